import { MEMBERSHIP_ATTRIBUTES, PROFILE_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import { findAccount } from '../../../management/account-operations.ts'
import { checkInvitation, type Invited, inviteUser } from '../../../management/invitations.ts'
import { initialValues } from '../../../shared/attributes.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Form } from '../../forms.ts'
import { attributeFields, type FieldsOf } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { submit, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { oneTimePasswordPage } from './one-time-password-page.ts'
import { userPath } from './user-texts.ts'

const { accountId: ACCOUNT_ID, ...OF_ADMINS } = { ...PROFILE_ATTRIBUTES, ...MEMBERSHIP_ATTRIBUTES }

type InvitationFields = FieldsOf<typeof OF_ADMINS & { readonly accountId: typeof ACCOUNT_ID }>

/** Admins have no account field; its value is then undefined. */
function fieldsFor({ who, t }: Pick<ConsoleCall, 'who' | 't'>): InvitationFields {
  const isOperator = who.role === 'operator'
  const attributes = isOperator ? { ...OF_ADMINS, accountId: ACCOUNT_ID } : OF_ADMINS
  return attributeFields(attributes, { t, isOperator }) as InvitationFields
}

function invitePage(call: ConsoleCall, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const { t } = call
  const fields = fieldsFor(call)
  const form = formView({
    fields,
    typed,
    fieldErrors,
    action: '/users/invite',
    submit: call.management.mail ? t('Send invitation') : t('Invite user'),
    cancel: '/users',
  })
  return {
    view: 'console/edit',
    title: t('Invite user'),
    lead: call.management.mail
      ? t('The user receives an email with a link to choose a password. The link works for 7 days.')
      : t('Keywright generates a one-time password for the user, who chooses a new password at the first sign-in.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [{ href: '/users', label: t('Users') }],
    data: { form },
  }
}

export async function askInvitation(call: ConsoleCall): Promise<void> {
  const { query, show } = call
  const fields = fieldsFor(call)
  const role = query.get('role') ?? 'member'
  show(
    invitePage(
      call,
      new Map([
        ...writeFields(fields, initialValues(PROFILE_ATTRIBUTES)),
        ['role', role],
        ['accountId', query.get('account') ?? ''],
      ]),
    ),
  )
}

interface Home {
  readonly accountId?: string
  readonly accountName: string | null
}

/** The account of the new user. @throws KeywrightError `invalid_input` at `accountId` */
async function homeOf(call: ConsoleCall, role: string | undefined, named: string | null | undefined): Promise<Home> {
  const { management, who, user } = call
  if (who.role !== 'operator') return { accountName: user.accountName }
  if (role === 'operator') {
    if (named) throw invalidInput('an operator has no account; leave this empty', 'accountId')
    return { accountName: null }
  }
  // Without a role the account cannot be checked, because an operator has none.
  if (!named && role === undefined) return { accountName: null }
  if (!named) throw invalidInput('enter the account of the user', 'accountId')
  const account = await findAccount(management, who, { named })
  return { accountId: account.id, accountName: account.name }
}

function showInvited(call: ConsoleCall, { user, password }: Invited, { accountName }: Home): void {
  const { t } = call
  // Without a password the user received a link.
  if (password === null) {
    call.goTo(`${userPath(user.id)}?notice=invited`)
    return
  }
  const page = oneTimePasswordPage(call, {
    title: t('{name} was invited', { name: displayName(user) }),
    lead: t('Send this to the user yourself. Keywright sends no message.'),
    breadcrumbs: [{ href: '/users', label: t('Users') }],
    email: user.email,
    password,
    greeting:
      accountName === null
        ? t('You have been invited.')
        : t('You have been invited to {account}.', { account: accountName }),
    done: { href: userPath(user.id), label: t('Done') },
  })
  call.show(page)
}

async function invitationOf(
  call: ConsoleCall,
  values: Partial<ValuesOf<InvitationFields>>,
  fieldErrors: FieldErrorCollector,
) {
  const { accountId: named, ...user } = values
  const home = await fieldErrors.collect(() => homeOf(call, user.role, named))
  return { home, user: { ...user, accountId: home?.accountId } }
}

export async function invite(call: ConsoleCall): Promise<void> {
  const { management, who, form } = call
  const outcome = await submit(fieldsFor(call), call, {
    prepare: (values, fieldErrors) => invitationOf(call, values, fieldErrors),
    check: ({ user }) => checkInvitation(management, who, user),
    execute: async ({ home, user }) => ({
      home: home!,
      made: await inviteUser(management, who, {
        ...(user as Parameters<typeof inviteUser>[2]),
        sendInvitation: management.mail !== undefined,
      }),
    }),
  })
  if (outcome.fieldErrors) return call.show(invitePage(call, form, outcome.fieldErrors))
  showInvited(call, outcome.done.made, outcome.done.home)
}
