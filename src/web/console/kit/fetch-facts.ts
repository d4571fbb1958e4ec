import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { KeyFetch } from '../../../management/client-parts.ts'
import { type Fact, fact, timeCell } from './cells.ts'
import { failureText } from './failure-text.ts'

/** The last fetch of the keys that a client publishes. */
export function fetchFacts(t: ConsoleTranslate, keyFetch: KeyFetch | null): Fact[] {
  const { fetchedAt = null, failedAt = null, failure } = keyFetch ?? {}
  const failed = () => timeCell(new Date(failedAt!), '', failureText(t, failure ?? ''))
  return [
    fact(t('Public keys fetched'), timeCell(fetchedAt ? new Date(fetchedAt) : null, t('never'))),
    ...(failedAt ? [fact(t('Last fetch failed'), failed())] : []),
  ]
}
