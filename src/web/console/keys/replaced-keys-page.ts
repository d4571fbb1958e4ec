import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { KeyPairOfUser, KeyPairSummary } from '../../../management/key-pair-operations.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import { KEY_PAIR_PATH, keyPairBreadcrumbs, presentSecret } from './key-pair-page.ts'

/** What *Your keys have changed* shows of the present key pair. */
export type PresentPair = Pick<KeyPairSummary, 'client' | 'lastFour'>

export const presentPair = ({ pair }: KeyPairOfUser): PresentPair | null =>
  pair && { client: pair.client, lastFour: presentSecret(pair)?.lastFour ?? null }

/** Instead of a second pair that would silently end one that somebody may just be copying. */
export function replacedPage(t: ConsoleTranslate, pair: PresentPair | null, seen: string): ConsolePage {
  const lastFour = pair?.lastFour
  const path = pair && pair.client.pairName !== null ? keyPairPath(pair.client.clientId) : KEY_PAIR_PATH
  const previous = seen ? idCell(seen.slice(0, 100), t('former client ID')) : quietCell(t('no keys'))
  const facts = [
    fact(t('Previous client ID'), previous),
    fact(t('Current client ID'), pair ? idCell(pair.client.clientId, t('client ID')) : quietCell(t('none'))),
    ...(lastFour ? [fact(t('Client secret'), textCell(t('Ends in {lastFour}', { lastFour })))] : []),
    ...(pair ? [fact(t('Generated'), timeCell(pair.client.createdAt))] : []),
  ]
  return {
    view: 'console/keys-replaced',
    title: t('Your keys have changed'),
    breadcrumbs: keyPairBreadcrumbs(t),
    status: 412,
    data: { facts, keep: path, generate: `${path}/generate` },
  }
}
