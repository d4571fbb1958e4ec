import { ACCOUNT_ATTRIBUTES, SETTABLE_STATUSES } from '../../../accounts/account-attributes.ts'
import { type ConsoleTranslate, toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import {
  type AccountDetails,
  createAccount,
  readAccount,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../../management/account-operations.ts'
import { initialValues } from '../../../shared/attributes.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { accountPath, userCountText } from './account-page.ts'

const fieldsOf = (t: ConsoleTranslate) => attributeFields(ACCOUNT_ATTRIBUTES, { t, isOperator: true })

const FIELDS = fieldsOf(toConsoleEnglish())

const BREADCRUMBS = [{ href: '/accounts', label: 'Accounts' }]

const breadcrumbsTo = ({ id, name }: AccountDetails) => [...BREADCRUMBS, { href: accountPath(id), label: name }]

const accountOf = ({ management, who, params }: ConsoleCall): Promise<AccountDetails> =>
  readAccount(management, who, { accountId: params.accountId! })

const accountWithCallers = ({ management, who, params }: ConsoleCall): Promise<AccountDetails> =>
  readAccount(management, who, { accountId: params.accountId!, withCallers: true })

function addPage(typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const action = { action: '/accounts/new', submit: 'Add account', cancel: '/accounts' }
  return {
    view: 'console/edit',
    title: 'Add account',
    lead: 'You can then invite the first admin.',
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: BREADCRUMBS,
    data: { form: formView({ fields: FIELDS, typed, fieldErrors, ...action }) },
  }
}

export async function askAccount({ show }: ConsoleCall): Promise<void> {
  show(addPage(writeFields(FIELDS, initialValues(ACCOUNT_ATTRIBUTES))))
}

export async function addAccount(call: ConsoleCall): Promise<void> {
  const { management, who, form, show, goTo } = call
  const outcome = await attempt(FIELDS, call, (values) => createAccount(management, who, values))
  if (outcome.fieldErrors) return show(addPage(form, outcome.fieldErrors))
  goTo(`${accountPath(outcome.done.id)}?notice=added`)
}

export const accountEdit = editSteps({
  fieldsOf,
  read: accountOf,
  valuesOf: (account: AccountDetails) => account,
  save: ({ management, who, params }, values, revision) =>
    updateAccount(management, who, { accountId: params.accountId!, ...values, revision }),
  frameOf: (account) => ({ title: `Edit ${account.name}`, breadcrumbs: breadcrumbsTo(account) }),
  pathOf: ({ id }) => accountPath(id),
})

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (account: AccountDetails, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(account),
    action: accountPath(account.id, step),
    keep: { href: accountPath(account.id), label: 'Cancel' },
    ...asking,
  })

function endsClients({ keyPairs, applications, activeTokens }: AccountDetails): string[] {
  if (keyPairs + applications.count === 0) return ['disable no key pairs or applications: the account has none']
  const stopped = [
    keyPairs && counted(toConsoleEnglish(), keyPairs, 'key pair'),
    applications.count && countedUpTo(toConsoleEnglish(), applications, 'application'),
  ]
  const tokens = `revoke ${countedUpTo(toConsoleEnglish(), activeTokens, 'active token')} and their refresh tokens`
  return [`disable ${stopped.filter(Boolean).join(' and ')}`, ...(activeTokens.count ? [tokens] : [])]
}

export async function askAccountStatus(call: ConsoleCall): Promise<void> {
  const account = await accountWithCallers(call)
  const { name, users, status } = account
  if (status === 'disabled') {
    const stops = ['Users of the account can sign in again.', 'Revoked tokens stay revoked: its clients get new ones.']
    const asking = { title: `Enable ${name}?`, submit: 'Enable', harmless: true, stops }
    return call.show(askPage(account, 'status', { ...asking, hidden: { status: 'active' } }))
  }
  const stops = [
    `sign out ${userCountText(users)} and prevent new sign-ins`,
    ...endsClients(account),
    'revoke the tokens that applications of other accounts have for users of this account',
  ]
  const asking = {
    title: `Disable ${name}?`,
    submit: 'Disable',
    stops,
    ...affectedBy(toConsoleEnglish(), account.affected!),
  }
  call.show(askPage(account, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeAccountStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', SETTABLE_STATUSES)
  if (!status) throw invalidInput('the form names no status')
  const account = await setAccountStatus(management, who, { accountId: params.accountId!, status })
  goTo(`${accountPath(account.id)}?notice=${status}`)
}

export async function askAccountApi(call: ConsoleCall): Promise<void> {
  const account = await accountWithCallers(call)
  const { name, apiEnabled } = account
  if (!apiEnabled) {
    const stops = ['Its key pairs and applications can get new tokens.']
    const asking = { title: `Enable the API for ${name}?`, submit: 'Enable API', harmless: true, stops }
    return call.show(askPage(account, 'api', { ...asking, hidden: { api: 'on' } }))
  }
  const asking = { title: `Disable the API for ${name}?`, submit: 'Disable API', stops: endsClients(account) }
  const text = 'Users of the account can still sign in to the console.'
  call.show(
    askPage(account, 'api', {
      ...asking,
      text,
      ...affectedBy(toConsoleEnglish(), account.affected!),
      hidden: { api: 'off' },
    }),
  )
}

export async function changeAccountApi({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const api = choiceIn(form, 'api', ['on', 'off'])
  if (!api) throw invalidInput('the form has no valid value for enabled')
  const account = await setAccountApi(management, who, { accountId: params.accountId!, enabled: api === 'on' })
  goTo(`${accountPath(account.id)}?notice=api-${api}`)
}
