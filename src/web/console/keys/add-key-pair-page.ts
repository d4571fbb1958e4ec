import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { generateKeyPair, type KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { ENVIRONMENTS, type Environment } from '../../../shared/environments.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { checkboxesField, radioField, selectField } from '../kit/choice-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, type Field, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { expiryIn, secretExpiryField } from '../kit/secret-choices.ts'
import { textField } from '../kit/text-fields.ts'
import { isStale, meaningOf, newKeysPage } from './generate-keys-page.ts'
import { API_OFF, KEY_PAIR_BREADCRUMBS, KEY_PAIR_PATH, ownKeyPair } from './key-pair-page.ts'
import { ADD_PATH, apisForNamedPairs } from './named-pairs-block.ts'

type Choosable = KeyPairOfUser['choosableApis'][number]

const hasEnvironments = ({ keyPairs }: Choosable): boolean => keyPairs === 'environments'

const ENVIRONMENT_CHOICES = ENVIRONMENTS.map((value) => ({ value, label: value === 'live' ? 'Live' : 'Test' }))

const ENVIRONMENT = {
  label: 'Environment',
  hint: 'The client ID, the client secret and the tokens show it. It cannot be changed later.',
}

function environmentField(apis: readonly Choosable[]): Field<Environment | ''> {
  if (apis.every(hasEnvironments))
    return radioField({ ...ENVIRONMENT, required: true, choices: ENVIRONMENT_CHOICES }) as Field<Environment | ''>
  return selectField({ ...ENVIRONMENT, choices: [{ value: '', label: 'None' }, ...ENVIRONMENT_CHOICES] })
}

/** Where only some of the APIs have environments, each says so. */
function hintOf(api: Choosable, apis: readonly Choosable[]): string {
  const isMixed = apis.some(hasEnvironments) && !apis.every(hasEnvironments)
  const need = hasEnvironments(api) ? 'Needs an environment. ' : 'Has no environments. '
  return `${isMixed ? need : ''}${meaningOf(api)}`
}

function fieldsOf(keys: KeyPairOfUser) {
  const apis = apisForNamedPairs(keys)
  return {
    pairName: textField({
      label: 'Name',
      hint: 'For example the service that uses it.',
      required: true,
      maxLength: 60,
    }),
    ...(apis.some(hasEnvironments) && { environment: environmentField(apis) }),
    apis: checkboxesField({
      label: 'APIs',
      hint: 'The first selected API is the default API.',
      required: true,
      choices: apis.map((api) => ({ value: api.identifier, label: api.identifier, hint: hintOf(api, apis) })),
    }),
    secretExpiresAt: secretExpiryField(toConsoleEnglish()),
  }
}

function addPage(keys: KeyPairOfUser, typed?: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const fields = fieldsOf(keys)
  const [first, ...others] = apisForNamedPairs(keys)
  const initial = writeFields(fields, { apis: others.length === 0 ? [first!.identifier] : [], secretExpiresAt: '' })
  const form = formView({
    fields,
    action: ADD_PATH,
    submit: 'Add key pair',
    errorHeading: 'No keys were generated',
    cancel: KEY_PAIR_PATH,
    typed: typed ?? initial,
    fieldErrors,
  })
  return {
    view: 'console/generate-keys',
    title: 'Add key pair',
    breadcrumbs: KEY_PAIR_BREADCRUMBS,
    status: fieldErrors.length > 0 ? 400 : undefined,
    ...(!keys.apiEnabled && { warning: API_OFF }),
    data: { stops: [], callers: undefined, form },
  }
}

export async function askNewPair(call: ConsoleCall): Promise<void> {
  const keys = await ownKeyPair(call)
  if (apisForNamedPairs(keys).length === 0) return call.goTo(KEY_PAIR_PATH)
  call.show(addPage(keys))
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
    if (isStale(error)) throw invalidInput(TAKEN, 'pairName')
    throw error
  }
}

export async function addPair(call: ConsoleCall): Promise<void> {
  const { form, files, show } = call
  const keys = await ownKeyPair(call)
  if (apisForNamedPairs(keys).length === 0) return call.goTo(KEY_PAIR_PATH)
  const outcome = await attempt(fieldsOf(keys), { form, files }, async (values) => {
    const made = await generate(call, values as Values)
    return newKeysPage(call, { ...keys, pair: null }, { made, apis: (values as Values).apis, isNamed: true })
  })
  show(outcome.fieldErrors ? addPage(keys, form, outcome.fieldErrors) : outcome.done)
}
