import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { generateKeyPair, type KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { ENVIRONMENTS, type Environment } from '../../../shared/environments.ts'
import { type FieldError, invalidInput, isStale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { checkboxesField, radioField, selectField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, type Field, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { expiryIn, secretExpiryField } from '../kit/secret-choices.ts'
import { textField } from '../kit/text-fields.ts'
import { meaningOf } from './generate-keys-page.ts'
import { API_OFF, KEY_PAIR_PATH, keyPairBreadcrumbs, ownKeyPair } from './key-pair-page.ts'
import { ADD_PATH, apisForNamedPairs } from './named-pairs-block.ts'
import { newKeysPage } from './new-keys-page.ts'

type Choosable = KeyPairOfUser['choosableApis'][number]

const hasEnvironments = ({ keyPairs }: Choosable): boolean => keyPairs === 'environments'

function environmentField(t: ConsoleTranslate, apis: readonly Choosable[]): Field<Environment | ''> {
  const text = {
    label: t('Environment'),
    hint: t('The client ID, the client secret and the tokens show it. It cannot be changed later.'),
  }
  const choices = ENVIRONMENTS.map((value) => ({ value, label: value === 'live' ? t('Live') : t('Test') }))
  if (apis.every(hasEnvironments)) return radioField({ ...text, required: true, choices }) as Field<Environment | ''>
  return selectField({ ...text, choices: [{ value: '', label: t('None') }, ...choices] })
}

/** Where only some of the APIs have environments, each says so. */
function hintOf(t: ConsoleTranslate, api: Choosable, apis: readonly Choosable[]): string {
  const meaning = meaningOf(t, api)
  const isMixed = apis.some(hasEnvironments) && !apis.every(hasEnvironments)
  if (!isMixed) return meaning
  return hasEnvironments(api)
    ? t('Needs an environment. {meaning}', { meaning })
    : t('Has no environments. {meaning}', { meaning })
}

function fieldsOf(t: ConsoleTranslate, keys: KeyPairOfUser) {
  const apis = apisForNamedPairs(keys)
  return {
    pairName: textField({
      label: t('Name'),
      hint: t('For example the service that uses it.'),
      required: true,
      maxLength: 60,
    }),
    ...(apis.some(hasEnvironments) && { environment: environmentField(t, apis) }),
    apis: checkboxesField({
      label: t('APIs'),
      hint: t('The first selected API is the default API.'),
      required: true,
      choices: apis.map((api) => ({ value: api.identifier, label: api.identifier, hint: hintOf(t, api, apis) })),
    }),
    secretExpiresAt: secretExpiryField(t),
  }
}

function addPage(
  t: ConsoleTranslate,
  keys: KeyPairOfUser,
  typed?: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const fields = fieldsOf(t, keys)
  const [first, ...others] = apisForNamedPairs(keys)
  const initial = writeFields(fields, { apis: others.length === 0 ? [first!.identifier] : [], secretExpiresAt: '' })
  const form = formView({
    fields,
    action: ADD_PATH,
    submit: t('Add key pair'),
    errorHeading: t('No keys were generated'),
    cancel: KEY_PAIR_PATH,
    typed: typed ?? initial,
    fieldErrors,
  })
  return {
    view: 'console/generate-keys',
    title: t('Add key pair'),
    breadcrumbs: keyPairBreadcrumbs(t),
    status: fieldErrors.length > 0 ? 400 : undefined,
    ...(!keys.apiEnabled && { warning: t(API_OFF) }),
    data: { stops: [], callers: undefined, form },
  }
}

export async function askNewPair(call: ConsoleCall): Promise<void> {
  const keys = await ownKeyPair(call)
  if (apisForNamedPairs(keys).length === 0) return call.goTo(KEY_PAIR_PATH)
  call.show(addPage(call.t, keys))
}

const TAKEN = 'you already have a key pair with this name; generate new keys for it on its page'

interface Values {
  readonly pairName: string
  readonly environment?: Environment | ''
  readonly apis: readonly string[]
  readonly secretExpiresAt: string
}

async function generate({ management, who }: ConsoleCall, { pairName, environment, apis, secretExpiresAt }: Values) {
  try {
    // A key pair with this name is not replaced by accident.
    const request = {
      pairName,
      environment: environment || null,
      apis,
      replaces: null,
      secretExpiresAt: expiryIn(secretExpiresAt),
    }
    return await generateKeyPair(management, who, request)
  } catch (error) {
    if (!isStale(error)) throw error
    throw invalidInput(TAKEN, 'pairName')
  }
}

export async function addPair(call: ConsoleCall): Promise<void> {
  const { form, files, show, t } = call
  const keys = await ownKeyPair(call)
  if (apisForNamedPairs(keys).length === 0) return call.goTo(KEY_PAIR_PATH)
  const outcome = await attempt(fieldsOf(t, keys), { form, files }, async (values) => {
    const made = await generate(call, values as Values)
    return newKeysPage(call, { ...keys, pair: null }, { made, apis: (values as Values).apis, isNamed: true })
  })
  show(outcome.fieldErrors ? addPage(t, keys, form, outcome.fieldErrors) : outcome.done)
}
