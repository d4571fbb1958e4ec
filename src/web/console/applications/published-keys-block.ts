import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import { FETCH_COOLDOWN } from '../../../clients/client-key-sets.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { fetchApplicationKeys } from '../../../management/client-key-fetch.ts'
import { RateLimitedError } from '../../../shared/errors.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import type { Block } from '../kit/blocks.ts'
import { type Fact, fact, textCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { fetchFacts } from '../kit/fetch-facts.ts'
import { formView } from '../kit/form-view.ts'
import { applicationPath } from './application-list-page.ts'

/** When the cooldown ends, in seconds. */
function nextFetch(t: ConsoleTranslate, coolsUntil: string | null): string {
  if (coolsUntil === null) return t('now')
  const seconds = Math.ceil((Date.parse(coolsUntil) - Date.now()) / 1000)
  return t('in {wait}', { wait: t.wait(Math.min(Math.max(seconds, 1), FETCH_COOLDOWN)) })
}

/** Where the application publishes its keys, and the last fetch. */
function publishedKeyFacts(t: ConsoleTranslate, { client, keyFetch }: Application): Fact[] {
  const { jwksUri } = CLIENT_ATTRIBUTES
  return [
    ...attributeFacts(t, { jwksUri }, client),
    ...fetchFacts(t, keyFetch),
    fact(t('Next fetch possible'), textCell(nextFetch(t, keyFetch?.coolsUntil ?? null))),
  ]
}

/** The keys that an application publishes, with a button that fetches them; none for another application. */
export function publishedKeysBlocks(t: ConsoleTranslate, application: Application, mayChange: boolean): Block[] {
  const { clientId, jwksUri, status } = application.client
  if (jwksUri === null) return []
  const facts: Block = {
    part: 'facts',
    heading: t('Published keys'),
    lead: t('Keywright fetches the keys regularly, and at most once in {time}, over all servers.', {
      time: t.duration(FETCH_COOLDOWN),
    }),
    facts: publishedKeyFacts(t, application),
  }
  if (!mayChange || status !== 'active') return [facts]
  const action = applicationPath(clientId, '/keys/fetch')
  return [facts, { part: 'form', form: formView({ fields: {}, action, submit: t('Fetch now') }) }]
}

/** Fetches the keys; the page of the application then has the outcome. */
export async function fetchKeysNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const clientId = params.clientId!
  try {
    const { failure } = await fetchApplicationKeys(management, who, { clientId })
    goTo(applicationPath(clientId, failure === null ? '?notice=keys_fetched' : ''))
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error
    goTo(applicationPath(clientId))
  }
}
