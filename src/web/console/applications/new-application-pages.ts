import { APPLICATION_TYPES, type ApplicationType, applicationTypeOf } from '../../../clients/application-types.ts'
import { hasClientSecret } from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { findAccount } from '../../../management/account-operations.ts'
import { readNewApplicationForm } from '../../../management/application-forms.ts'
import type { ApplicationChange } from '../../../management/application-operations.ts'
import { checkNewApplication, createApplication } from '../../../management/new-applications.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { submit } from '../kit/form-fields.ts'
import { type FormView, formView } from '../kit/form-view.ts'
import { withKeyFile } from '../kit/public-key-fields.ts'
import { givenIn } from '../kit/query-fields.ts'
import { expiryIn } from '../kit/secret-choices.ts'
import { chosenAccess } from './access-fields.ts'
import { atNameField } from './application-certificate-fields.ts'
import {
  type ApplicationValues,
  applicationFields,
  type FormSubject,
  initialForm,
  sectionsOf,
  sectionsOfType,
  settingsOf,
} from './application-form.ts'
import { APPLICATIONS_PATH, applicationPath, applicationsBreadcrumbs } from './application-list-page.ts'
import { applicationSecretPage } from './application-secret-page.ts'
import { credentialsIn } from './credentials-of-method.ts'

const NEW_PATH = `${APPLICATIONS_PATH}/new`

/** The path of the form for a type, or of the page that asks for the type. */
function pathOf(type: ApplicationType | undefined, accountId: string | undefined): string {
  const query = new URLSearchParams({ ...(type && { type: type.value }), ...(accountId && { account: accountId }) })
  return query.size > 0 ? `${NEW_PATH}?${query}` : NEW_PATH
}

/** The type that a link or a form names. @throws KeywrightError `invalid_input` */
function typeIn(given: Form): ApplicationType | undefined {
  const value = givenIn(given, 'type')
  return value === undefined ? undefined : applicationTypeOf(value)
}

interface Drawn {
  readonly typed: Form
  readonly fieldErrors?: readonly FieldError[]
  /** The account of the new application, if the link to the form named it. */
  readonly account?: { readonly id: string; readonly name: string } | undefined
}

function formFor(t: ConsoleTranslate, subject: FormSubject, { typed, fieldErrors = [] }: Drawn): FormView {
  const fields = applicationFields(t, subject)
  const { type } = subject
  return formView({
    fields,
    sections: type ? sectionsOfType(t, fields, type) : sectionsOf(t, fields),
    typed,
    fieldErrors,
    action: NEW_PATH,
    submit: t('Save'),
    cancel: APPLICATIONS_PATH,
    ...(type && { hidden: { type: type.value } }),
  })
}

/** Whole sentences, one after the other. */
function leadOf(t: ConsoleTranslate, { type }: FormSubject, { account }: Drawn): string {
  const owner = account ? [t('The application will belong to {account}.', { account: account.name })] : []
  if (!type)
    return [...owner, t('Keywright generates a client ID, and a client secret if it is confidential.')].join(' ')
  const secret = type.settings.isPublic ? [] : [t('The client secret is shown once, after you save.')]
  return [...owner, `${t.declared(type.label)}.`, t.declared(type.hint), ...secret].join(' ')
}

const frameOf = (t: ConsoleTranslate, { fieldErrors = [] }: Drawn) => ({
  title: t('Add application'),
  status: fieldErrors.length > 0 ? 400 : undefined,
  breadcrumbs: applicationsBreadcrumbs(t),
})

function newPage(t: ConsoleTranslate, subject: FormSubject, drawn: Drawn): ConsolePage {
  const label = subject.type ? t('Change type') : t('Choose a type')
  return {
    ...frameOf(t, drawn),
    view: 'console/edit',
    lead: leadOf(t, subject, drawn),
    actions: [{ href: pathOf(undefined, drawn.account?.id), label }],
    data: { form: formFor(t, subject, drawn) },
  }
}

const typesLead = (t: ConsoleTranslate, { account }: Drawn): string =>
  account
    ? t('The application will belong to {account}. What do you want to add?', { account: account.name })
    : t('What do you want to add?')

/** Asks for the type first; the form with every setting is below, collapsed. */
const typesPage = (t: ConsoleTranslate, subject: FormSubject, drawn: Drawn): ConsolePage => ({
  ...frameOf(t, drawn),
  view: 'console/application-types',
  lead: typesLead(t, drawn),
  data: {
    types: APPLICATION_TYPES.map((type) => ({
      label: t.declared(type.label),
      hint: t.declared(type.hint),
      href: pathOf(type, drawn.account?.id),
    })),
    form: formFor(t, subject, drawn),
  },
})

const isOperator = ({ who }: ConsoleCall): boolean => who.role === 'operator'

export async function askNewApplication(call: ConsoleCall): Promise<void> {
  const { t } = call
  const type = typeIn(call.query)
  const accountId = call.query.get('account')
  const { choosableApis, initial, accountName } = await readNewApplicationForm(call.management, call.who, { accountId })
  const subject = { isOperator: isOperator(call), choosableApis, type }
  // Names of accounts need not be unique; the ID that the link named is.
  const account = accountName === null ? undefined : { id: accountId!, name: accountName }
  const drawn = { typed: initialForm(t, subject, initial, account?.id ?? ''), account }
  call.show(type ? newPage(t, subject, drawn) : typesPage(t, subject, drawn))
}

type SentValues = Partial<ApplicationValues>

/** Whose it becomes: null, nobody's but the instance's. @throws KeywrightError `invalid_input` at `accountId` */
async function ownerIn(call: ConsoleCall, { owner, accountId }: SentValues): Promise<string | null | undefined> {
  if (!isOperator(call) || owner === undefined || accountId === undefined) return undefined
  if (owner === 'instance') return null
  if (accountId === '') throw invalidInput('enter the ID or the exact name of the account', 'accountId')
  return (await findAccount(call.management, call.who, { named: accountId })).id
}

async function newInput(call: ConsoleCall, values: SentValues, fieldErrors: FieldErrorCollector) {
  const accountId = await fieldErrors.collect(() => ownerIn(call, values))
  const secretExpiresAt = expiryIn(values.secretExpiresAt ?? '')
  const { jwksUri = null, ...credentials } = (await fieldErrors.collect(async () => credentialsIn(values))) ?? {}
  const settings = { ...settingsOf(values), ...(values.jwksUri !== undefined && { jwksUri }) }
  return { settings, ...chosenAccess(values, fieldErrors), accountId, secretExpiresAt, ...credentials }
}

/** The APIs of the new application in order, each with the scopes that the application may request. */
function apisOf({ choosableApis }: FormSubject, { apis = [], scopes }: Pick<ApplicationChange, 'apis' | 'scopes'>) {
  const chosen = apis.flatMap((identifier) => choosableApis.find((api) => api.identifier === identifier) ?? [])
  return chosen.map((api) => ({
    identifier: api.identifier,
    dpopRequired: api.dpopRequired,
    scopes: api.scopes.map(({ scope }) => scope).filter((scope) => scopes?.includes(scope) ?? true),
  }))
}

export async function addApplication(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo, t } = call
  const type = typeIn(form)
  const { choosableApis } = await readNewApplicationForm(management, who, {})
  const subject = { isOperator: isOperator(call), choosableApis, type }
  const outcome = await submit(
    applicationFields(t, subject),
    { form, files },
    {
      prepare: (values, fieldErrors) => newInput(call, values, fieldErrors),
      check: (input) => checkNewApplication(management, who, input),
      execute: async (input) => ({
        made: await createApplication(management, who, input),
        apis: apisOf(subject, input),
      }),
    },
  )
  if (outcome.fieldErrors)
    return show(newPage(t, subject, { typed: withKeyFile(form, files), fieldErrors: atNameField(outcome.fieldErrors) }))
  const { client, ...secrets } = outcome.done.made
  if (!hasClientSecret(client)) return goTo(applicationPath(client.clientId, '?notice=added'))
  const title = t('{name} was added', { name: client.name })
  show(applicationSecretPage(call, { title, client, secrets, apis: outcome.done.apis }))
}
