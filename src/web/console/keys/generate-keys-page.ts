import { DEFAULT_SETTINGS } from '../../../clients/client-settings.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { MAX_CALLERS } from '../../../management/client-parts.ts'
import {
  type GeneratedKeyPair,
  generateKeyPair,
  type KeyPair,
  type KeyPairOfUser,
  type KeyPairSummary,
} from '../../../management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { type FieldError, invalidInput, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { checkboxesField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { secretPage } from '../kit/panels.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { expiryIn, secretExpiryField } from '../kit/secret-choices.ts'
import { tokenCommands } from '../kit/token-command-examples.ts'
import { tryNow } from '../kit/try-page.ts'
import { API_OFF, callersList, KEY_PAIR_BREADCRUMBS, KEY_PAIR_PATH, presentSecret } from './key-pair-page.ts'

const PATH = `${KEY_PAIR_PATH}/generate`

/** Where the pages of a key pair are. */
function placeOf({ pair }: Pick<KeyPairOfUser, 'pair'>) {
  if (pair === null || pair.client.pairName === null)
    return { action: PATH, back: KEY_PAIR_PATH, breadcrumbs: KEY_PAIR_BREADCRUMBS, title: 'Generate new keys?' }
  const { clientId, pairName } = pair.client
  const back = keyPairPath(clientId)
  const breadcrumbs = [...KEY_PAIR_BREADCRUMBS, { href: back, label: pairName }]
  return { action: keyPairPath(clientId, '/generate'), back, breadcrumbs, title: `Generate new keys for ${pairName}?` }
}

/** Of the many scopes that an API may have, so many are named beside its box. */
const NAMED = 8

export function meaningOf({ identifier, scopes }: KeyPairOfUser['choosableApis'][number]): string {
  if (identifier === MANAGEMENT_API)
    return 'Keywright management API: tokens from this key pair can manage this account.'
  const rest = scopes.length - NAMED
  return `Scopes: ${scopes.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

const presentApis = ({ pair }: KeyPairOfUser): string[] => (pair?.apis ?? []).map(({ identifier }) => identifier)

/** The present ones first and in their order, for the first that is chosen is the new pair's default. */
function inOrder(keys: KeyPairOfUser): KeyPairOfUser['choosableApis'] {
  const present = presentApis(keys)
  const rank = (identifier: string) => (present.includes(identifier) ? present.indexOf(identifier) : present.length)
  return keys.choosableApis.toSorted((a, b) => rank(a.identifier) - rank(b.identifier))
}

function fieldsOf(keys: KeyPairOfUser) {
  const choices = inOrder(keys).map((api) => ({ value: api.identifier, label: api.identifier, hint: meaningOf(api) }))
  const hint = 'The first selected API is the default API.'
  return {
    apis: checkboxesField({ label: 'APIs', hint, choices }),
    secretExpiresAt: secretExpiryField(toConsoleEnglish()),
  }
}

/** What is chosen before anybody chose. */
function chosenAtFirst(keys: KeyPairOfUser): string[] {
  if (keys.pair) return presentApis(keys)
  return keys.choosableApis.filter(({ isDefault }) => isDefault).map(({ identifier }) => identifier)
}

/** Callers are named up to a bound, beyond which there may be more. */
function addressesOf({ callers }: KeyPair): string {
  const addresses = new Set(callers.map(({ ip }) => ip)).size
  return `${callers.length >= MAX_CALLERS ? 'at least ' : ''}${counted(toConsoleEnglish(), addresses, 'IP address')}`
}

function stopsOf(pair: KeyPair): string[] {
  const { client, activeTokens, callers } = pair
  const lastFour = presentSecret(pair)?.lastFour
  return [
    `revoke the client ID ${client.clientId} and its client secret${lastFour ? ` that ends in ${lastFour}` : ''} immediately`,
    activeTokens.count === 0
      ? 'revoke no tokens: none are active'
      : `revoke ${countedUpTo(toConsoleEnglish(), activeTokens, 'active token')} immediately`,
    callers.length === 0
      ? 'affect no callers: none used it in the last 24 hours'
      : `block ${addressesOf(pair)} that called in the last 24 hours, until they use the new keys`,
  ]
}

/** What generating will stop, and what the new keys shall be for. */
export function generatePage(keys: KeyPairOfUser, typed?: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const { pair, apiEnabled } = keys
  const { action, back, breadcrumbs, title } = placeOf(keys)
  const fields = fieldsOf(keys)
  const form = formView({
    fields,
    action,
    submit: pair ? 'Generate new keys' : 'Generate keys',
    danger: pair !== null,
    errorHeading: 'No keys were generated',
    hidden: { replaces: pair?.client.clientId ?? '' },
    cancel: back,
    typed: typed ?? writeFields(fields, { apis: chosenAtFirst(keys), secretExpiresAt: '' }),
    fieldErrors,
  })
  return {
    view: 'console/generate-keys',
    title: pair ? title : 'Generate keys',
    breadcrumbs,
    status: fieldErrors.length > 0 ? 400 : undefined,
    ...(!apiEnabled && { warning: API_OFF }),
    data: { stops: pair ? stopsOf(pair) : [], callers: pair?.callers.length ? callersList(pair) : undefined, form },
  }
}

function stoppedOf({ pair }: KeyPairOfUser, { revoked }: GeneratedKeyPair): string | undefined {
  if (!pair) return undefined
  const tokens =
    revoked === null
      ? 'all their tokens'
      : revoked === 0
        ? 'no active tokens'
        : counted(toConsoleEnglish(), revoked, 'active token')
  return `Your previous keys and ${tokens} are revoked.`
}

const effectOf = ({ client }: KeyPair) => ({
  href: revocationPath(client.clientId),
  label: 'See who still uses them (opens a new tab)',
})

interface NewKeys {
  readonly made: GeneratedKeyPair
  /** Identifiers, the default first. */
  readonly apis: readonly string[]
  readonly isNamed: boolean
}

/** @param keys with the key pair that was replaced, if there was one */
export function newKeysPage({ web }: ConsoleCall, keys: KeyPairOfUser, { made, apis, isNamed }: NewKeys): ConsolePage {
  const { clientId, clientSecret, apiKey } = made
  const path = isNamed ? keyPairPath(clientId) : KEY_PAIR_PATH
  const { queryCredentials, clientCredentialsRefresh } = keys.pair?.client ?? DEFAULT_SETTINGS
  return secretPage({
    title: 'Your new keys',
    breadcrumbs: KEY_PAIR_BREADCRUMBS,
    values: [
      { label: 'Client ID', value: clientId },
      { label: 'Client secret', value: clientSecret },
      ...(apiKey === undefined ? [] : [{ label: 'API key', value: apiKey }]),
    ],
    commands: tokenCommands(toConsoleEnglish(), web.issuerUrl(), made, {
      queryCredentials,
      clientCredentialsRefresh,
      apis,
    }),
    tryIt: tryNow(`${path}/try`, made),
    stopped: stoppedOf(keys, made),
    ...(keys.pair && { effect: effectOf(keys.pair) }),
    done: { href: path, label: 'I have copied them' },
  })
}

/** What *Your keys have changed* shows of the present key pair. */
type PresentPair = Pick<KeyPairSummary, 'client' | 'lastFour'>

export const presentPair = ({ pair }: KeyPairOfUser): PresentPair | null =>
  pair && { client: pair.client, lastFour: presentSecret(pair)?.lastFour ?? null }

/** Instead of a second pair that would silently end one that somebody may just be copying. */
export function replacedPage(pair: PresentPair | null, seen: string): ConsolePage {
  const lastFour = pair?.lastFour
  const path = pair && pair.client.pairName !== null ? keyPairPath(pair.client.clientId) : KEY_PAIR_PATH
  const facts = [
    fact('Previous client ID', seen ? idCell(seen.slice(0, 100), 'former client ID') : quietCell('no keys')),
    fact('Current client ID', pair ? idCell(pair.client.clientId, 'client ID') : quietCell('none')),
    ...(lastFour ? [fact('Client secret', textCell(`Ends in ${lastFour}`))] : []),
    ...(pair ? [fact('Generated', timeCell(pair.client.createdAt))] : []),
  ]
  return {
    view: 'console/keys-replaced',
    title: 'Your keys have changed',
    breadcrumbs: KEY_PAIR_BREADCRUMBS,
    status: 412,
    data: { facts, keep: path, generate: `${path}/generate` },
  }
}

/** The client ID that a form was drawn for; '' for none. @throws KeywrightError `invalid_input` */
function seenIn(form: Form): string {
  const seen = form.get('replaces')
  if (seen === undefined) throw invalidInput('the form does not name the current client ID')
  return seen
}

/** Whether those are the present ones, which then stay exactly as they are, narrowed or not. */
const isUnchanged = (keys: KeyPairOfUser, apis: readonly string[]): boolean =>
  keys.pair !== null && presentApis(keys).join(' ') === apis.join(' ')

export const isStale = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'stale'

/**
 * @param keys read before: once the new keys are there, nothing may come between them and their one showing
 * @param present reads the present key pair again
 */
export async function generateKeys(
  call: ConsoleCall,
  keys: KeyPairOfUser,
  present: () => Promise<PresentPair | null>,
): Promise<void> {
  const { management, who, form, files, show } = call
  const seen = seenIn(form)
  const pairName = keys.pair?.client.pairName ?? null
  const generate = async ({ apis, secretExpiresAt }: { apis: readonly string[]; secretExpiresAt: string }) => {
    // To the operation none would mean those of before, or the instance's default.
    if (apis.length === 0 && keys.choosableApis.length > 0) throw invalidInput('choose at least one API', 'apis')
    const chosen = { apis: isUnchanged(keys, apis) ? [] : apis, secretExpiresAt: expiryIn(secretExpiresAt) }
    const request = { pairName, replaces: seen || null, ...chosen }
    const made = await generateKeyPair(management, who, request)
    return newKeysPage(call, keys, { made, apis, isNamed: pairName !== null })
  }
  try {
    const outcome = await attempt(fieldsOf(keys), { form, files }, generate)
    show(outcome.fieldErrors ? generatePage(keys, form, outcome.fieldErrors) : outcome.done)
  } catch (error) {
    if (!isStale(error)) throw error
    show(replacedPage(await present(), seen))
  }
}
