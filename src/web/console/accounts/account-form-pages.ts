import { ACCOUNT_ATTRIBUTES, SETTABLE_STATUSES } from '../../../accounts/account-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { accountPath } from './account-page.ts'

const fieldsIn = (t: ConsoleTranslate) => attributeFields(ACCOUNT_ATTRIBUTES, { t, isOperator: true })

const breadcrumbs = (t: ConsoleTranslate) => [{ href: '/accounts', label: t('Accounts') }]

const breadcrumbsTo = (t: ConsoleTranslate, { id, name }: AccountDetails) => [
  ...breadcrumbs(t),
  { href: accountPath(id), label: name },
]

const accountOf = ({ management, who, params }: ConsoleCall): Promise<AccountDetails> =>
  readAccount(management, who, { accountId: params.accountId! })

const accountWithCallers = ({ management, who, params }: ConsoleCall): Promise<AccountDetails> =>
  readAccount(management, who, { accountId: params.accountId!, withCallers: true })

function addPage(t: ConsoleTranslate, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const action = { action: '/accounts/new', submit: t('Add account'), cancel: '/accounts' }
  return {
    view: 'console/edit',
    title: t('Add account'),
    lead: t('You can then invite the first admin.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbs(t),
    data: { form: formView({ fields: fieldsIn(t), typed, fieldErrors, ...action }) },
  }
}

export async function askAccount({ show, t }: ConsoleCall): Promise<void> {
  show(addPage(t, writeFields(fieldsIn(t), initialValues(ACCOUNT_ATTRIBUTES))))
}

export async function addAccount(call: ConsoleCall): Promise<void> {
  const { management, who, form, show, goTo, t } = call
  const outcome = await attempt(fieldsIn(t), call, (values) => createAccount(management, who, values))
  if (outcome.fieldErrors) return show(addPage(t, form, outcome.fieldErrors))
  goTo(`${accountPath(outcome.done.id)}?notice=added`)
}

export const accountEdit = editSteps({
  fieldsOf: fieldsIn,
  read: accountOf,
  valuesOf: (account: AccountDetails) => account,
  save: ({ management, who, params }, values, revision) =>
    updateAccount(management, who, { accountId: params.accountId!, ...values, revision }),
  frameOf: (account, t) => ({
    title: t('Edit {name}', { name: account.name }),
    breadcrumbs: breadcrumbsTo(t, account),
  }),
  pathOf: ({ id }) => accountPath(id),
})

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (t: ConsoleTranslate, account: AccountDetails, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(t, account),
    action: accountPath(account.id, step),
    keep: { href: accountPath(account.id), label: t('Cancel') },
    ...asking,
  })

function disablesClients(t: ConsoleTranslate, { keyPairs, applications }: AccountDetails): string {
  if (applications.count === 0) {
    return t('disable {count, plural, one {# key pair} other {# key pairs}}', { count: keyPairs })
  }
  if (keyPairs === 0) {
    return t(
      'disable {more, select, yes {more than } other {}}{count, plural, one {# application} other {# applications}}',
      boundedValues(applications),
    )
  }
  return t(
    'disable {keyPairs, plural, one {# key pair} other {# key pairs}} and {more, select, yes {more than } other {}}{count, plural, one {# application} other {# applications}}',
    { keyPairs, ...boundedValues(applications) },
  )
}

function endsClients(t: ConsoleTranslate, account: AccountDetails): string[] {
  const { keyPairs, applications, activeTokens } = account
  if (keyPairs + applications.count === 0) return [t('disable no key pairs or applications: the account has none')]
  const tokens = t(
    'revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}} and their refresh tokens',
    boundedValues(activeTokens),
  )
  return [disablesClients(t, account), ...(activeTokens.count ? [tokens] : [])]
}

export async function askAccountStatus(call: ConsoleCall): Promise<void> {
  const { t } = call
  const account = await accountWithCallers(call)
  const { name, users, status } = account
  if (status === 'disabled') {
    const stops = [
      t('Users of the account can sign in again.'),
      t('Revoked tokens stay revoked: its clients get new ones.'),
    ]
    const asking = { title: t('Enable {name}?', { name }), submit: t('Enable'), harmless: true, stops }
    return call.show(askPage(t, account, 'status', { ...asking, hidden: { status: 'active' } }))
  }
  const stops = [
    t(
      'sign out {more, select, yes {more than } other {}}{count, plural, one {# user} other {# users}} and prevent new sign-ins',
      boundedValues(users),
    ),
    ...endsClients(t, account),
    t('revoke the tokens that applications of other accounts have for users of this account'),
  ]
  const asking = {
    title: t('Disable {name}?', { name }),
    submit: t('Disable'),
    stops,
    ...affectedBy(t, account.affected!),
  }
  call.show(askPage(t, account, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeAccountStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', SETTABLE_STATUSES)
  if (!status) throw invalidInput('the form names no status')
  const account = await setAccountStatus(management, who, { accountId: params.accountId!, status })
  goTo(`${accountPath(account.id)}?notice=${status}`)
}

export async function askAccountApi(call: ConsoleCall): Promise<void> {
  const { t } = call
  const account = await accountWithCallers(call)
  const { name, apiEnabled } = account
  if (!apiEnabled) {
    const stops = [t('Its key pairs and applications can get new tokens.')]
    const asking = { title: t('Enable the API for {name}?', { name }), submit: t('Enable API'), harmless: true, stops }
    return call.show(askPage(t, account, 'api', { ...asking, hidden: { api: 'on' } }))
  }
  const asking = {
    title: t('Disable the API for {name}?', { name }),
    submit: t('Disable API'),
    stops: endsClients(t, account),
    text: t('Users of the account can still sign in to the console.'),
  }
  call.show(askPage(t, account, 'api', { ...asking, ...affectedBy(t, account.affected!), hidden: { api: 'off' } }))
}

export async function changeAccountApi({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const api = choiceIn(form, 'api', ['on', 'off'])
  if (!api) throw invalidInput('the form has no valid value for enabled')
  const account = await setAccountApi(management, who, { accountId: params.accountId!, enabled: api === 'on' })
  goTo(`${accountPath(account.id)}?notice=api-${api}`)
}
