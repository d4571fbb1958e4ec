import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { MAX_CALLERS } from '../../../management/client-parts.ts'
import { generateKeyPair, type KeyPair, type KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { type FieldError, invalidInput, isStale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import { checkboxesField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { expiryIn, secretExpiryField } from '../kit/secret-choices.ts'
import { API_OFF, callersList, KEY_PAIR_PATH, keyPairBreadcrumbs, presentSecret } from './key-pair-page.ts'
import { newKeysPage } from './new-keys-page.ts'
import { type PresentPair, replacedPage } from './replaced-keys-page.ts'

const PATH = `${KEY_PAIR_PATH}/generate`

/** Where the pages of a key pair are. */
function placeOf(t: ConsoleTranslate, { pair }: Pick<KeyPairOfUser, 'pair'>) {
  if (pair === null || pair.client.pairName === null)
    return { action: PATH, back: KEY_PAIR_PATH, breadcrumbs: keyPairBreadcrumbs(t), title: t('Generate new keys?') }
  const { clientId, pairName } = pair.client
  const back = keyPairPath(clientId)
  const breadcrumbs = [...keyPairBreadcrumbs(t), { href: back, label: pairName }]
  const title = t('Generate new keys for {pairName}?', { pairName })
  return { action: keyPairPath(clientId, '/generate'), back, breadcrumbs, title }
}

/** Of the many scopes that an API may have, so many are named beside its box. */
const NAMED = 8

export function meaningOf(t: ConsoleTranslate, { identifier, scopes }: KeyPairOfUser['choosableApis'][number]): string {
  if (identifier === MANAGEMENT_API)
    return t('Keywright management API: tokens from this key pair can manage this account.')
  const rest = scopes.length - NAMED
  const named = scopes.slice(0, NAMED).join(', ')
  return rest > 0
    ? t('Scopes: {scopes} and {rest} more', { scopes: named, rest })
    : t('Scopes: {scopes}', { scopes: named })
}

const presentApis = ({ pair }: KeyPairOfUser): string[] => (pair?.apis ?? []).map(({ identifier }) => identifier)

/** The present ones first and in their order, for the first that is chosen is the new pair's default. */
function inOrder(keys: KeyPairOfUser): KeyPairOfUser['choosableApis'] {
  const present = presentApis(keys)
  const rank = (identifier: string) => (present.includes(identifier) ? present.indexOf(identifier) : present.length)
  return keys.choosableApis.toSorted((a, b) => rank(a.identifier) - rank(b.identifier))
}

function fieldsOf(t: ConsoleTranslate, keys: KeyPairOfUser) {
  const choices = inOrder(keys).map((api) => ({
    value: api.identifier,
    label: api.identifier,
    hint: meaningOf(t, api),
  }))
  const hint = t('The first selected API is the default API.')
  return { apis: checkboxesField({ label: t('APIs'), hint, choices }), secretExpiresAt: secretExpiryField(t) }
}

/** What is chosen before anybody chose. */
function chosenAtFirst(keys: KeyPairOfUser): string[] {
  if (keys.pair) return presentApis(keys)
  return keys.choosableApis.filter(({ isDefault }) => isDefault).map(({ identifier }) => identifier)
}

/** Callers are named up to a bound, beyond which there may be more. */
function callersStop(t: ConsoleTranslate, { callers }: KeyPair): string {
  const count = new Set(callers.map(({ ip }) => ip)).size
  if (count === 0) return t('affect no callers: none used it in the last 24 hours')
  return callers.length >= MAX_CALLERS
    ? t(
        'block at least {count, plural, one {# IP address} other {# IP addresses}} that called in the last 24 hours, until they use the new keys',
        { count },
      )
    : t(
        'block {count, plural, one {# IP address} other {# IP addresses}} that called in the last 24 hours, until they use the new keys',
        { count },
      )
}

function credentialsStop(t: ConsoleTranslate, pair: KeyPair): string {
  const { clientId } = pair.client
  const lastFour = presentSecret(pair)?.lastFour
  return lastFour
    ? t('revoke the client ID {clientId} and its client secret that ends in {lastFour} immediately', {
        clientId,
        lastFour,
      })
    : t('revoke the client ID {clientId} and its client secret immediately', { clientId })
}

function tokensStop(t: ConsoleTranslate, { activeTokens }: KeyPair): string {
  if (activeTokens.count === 0) return t('revoke no tokens: none are active')
  return t(
    'revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}} immediately',
    boundedValues(activeTokens),
  )
}

const stopsOf = (t: ConsoleTranslate, pair: KeyPair): string[] => [
  credentialsStop(t, pair),
  tokensStop(t, pair),
  callersStop(t, pair),
]

/** What generating will stop, and what the new keys shall be for. */
export function generatePage(
  t: ConsoleTranslate,
  keys: KeyPairOfUser,
  typed?: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const { pair, apiEnabled } = keys
  const { action, back, breadcrumbs, title } = placeOf(t, keys)
  const fields = fieldsOf(t, keys)
  const form = formView({
    fields,
    action,
    submit: pair ? t('Generate new keys') : t('Generate keys'),
    danger: pair !== null,
    errorHeading: t('No keys were generated'),
    hidden: { replaces: pair?.client.clientId ?? '' },
    cancel: back,
    typed: typed ?? writeFields(fields, { apis: chosenAtFirst(keys), secretExpiresAt: '' }),
    fieldErrors,
  })
  return {
    view: 'console/generate-keys',
    title: pair ? title : t('Generate keys'),
    breadcrumbs,
    status: fieldErrors.length > 0 ? 400 : undefined,
    ...(!apiEnabled && { warning: t(API_OFF) }),
    data: {
      stops: pair ? stopsOf(t, pair) : [],
      callers: pair?.callers.length ? callersList(t, pair) : undefined,
      form,
    },
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

/**
 * @param keys read before: once the new keys are there, nothing may come between them and their one showing
 * @param present reads the present key pair again
 */
export async function generateKeys(
  call: ConsoleCall,
  keys: KeyPairOfUser,
  present: () => Promise<PresentPair | null>,
): Promise<void> {
  const { management, who, form, files, show, t } = call
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
    const outcome = await attempt(fieldsOf(t, keys), { form, files }, generate)
    show(outcome.fieldErrors ? generatePage(t, keys, form, outcome.fieldErrors) : outcome.done)
  } catch (error) {
    if (!isStale(error)) throw error
    show(replacedPage(t, await present(), seen))
  }
}
