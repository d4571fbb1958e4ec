import { SETTABLE_STATUSES } from '../../../accounts/account-attributes.ts'
import { ACCOUNT_ROLE, PROFILE_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import { type ConsoleTranslate, toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { sendInvitation } from '../../../management/invitations.ts'
import { revokeAllOfUser } from '../../../management/token-operations.ts'
import {
  checkUserUpdate,
  givePassword,
  readUser,
  setRole,
  setUserStatus,
  updateUser,
} from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { choiceValues } from '../../../shared/attributes.ts'
import { invalidInput, KeywrightError } from '../../../shared/errors.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { revisionOf } from '../kit/form-fields.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { oneTimePasswordPage } from './one-time-password-page.ts'
import { keepsWorking } from './user-applications-block.ts'
import { breadcrumbsTo, protectionReason, userPath } from './user-texts.ts'

const userOf = ({ management, who, params }: ConsoleCall): Promise<UserDetails> =>
  readUser(management, who, { userId: params.userId! })

const userWithCallers = ({ management, who, params }: ConsoleCall): Promise<UserDetails> =>
  readUser(management, who, { userId: params.userId!, withCallers: true })

export const userEdit = editSteps({
  fieldsOf: (t: ConsoleTranslate) => attributeFields(PROFILE_ATTRIBUTES, { t, isOperator: false }),
  read: userOf,
  valuesOf: (user: UserDetails) => user,
  check: ({ management, who, params }, values) =>
    checkUserUpdate(management, who, { userId: params.userId!, ...values }),
  save: ({ management, who, params }, values, revision) =>
    updateUser(management, who, { userId: params.userId!, revision, ...values }),
  frameOf: (user) => ({ title: `Edit ${displayName(user)}`, breadcrumbs: breadcrumbsTo(user) }),
  pathOf: ({ id }) => userPath(id),
})

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (user: UserDetails, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(user),
    action: userPath(user.id, step),
    keep: { href: userPath(user.id), label: 'Cancel' },
    ...asking,
  })

/** @throws KeywrightError `conflict` when the user is protected */
function checkUnprotected(user: UserDetails, { user: viewer }: ConsoleCall): void {
  const protection = protectionReason(user, viewer)
  if (protection) throw new KeywrightError('conflict', protection)
}

const endsPair = ({ keyPair, ownTokens }: UserDetails): string[] =>
  keyPair === null
    ? []
    : [`revoke the key pair ${keyPair} and ${countedUpTo(toConsoleEnglish(), ownTokens, 'active token')}`]

const endsOwnTokens = ({ keyPair, ownTokens }: UserDetails): string[] =>
  keyPair === null ? [] : [`revoke ${countedUpTo(toConsoleEnglish(), ownTokens, 'active token')} of the key pair`]

const disablesPair = ({ keyPair, ownTokens }: UserDetails): string[] =>
  keyPair === null
    ? []
    : [`disable the key pair ${keyPair} and revoke ${countedUpTo(toConsoleEnglish(), ownTokens, 'active token')}`]

const endsApplicationTokens = ({ applicationTokens }: UserDetails): string =>
  applicationTokens.count === 0
    ? 'revoke the tokens that applications have for this user'
    : `revoke ${countedUpTo(toConsoleEnglish(), applicationTokens, 'active token')} that applications have for this user, and their refresh tokens`

/** @param isStale their role was another one when the form was drawn */
function rolePage(user: UserDetails, isStale = false): ConsolePage {
  const name = displayName(user)
  const status = isStale ? 412 : undefined
  const meanwhile = isStale ? 'Another user changed this user, so your change was not saved. ' : ''
  const hidden = { revision: String(user.revision), role: user.role === 'member' ? 'admin' : 'member' }
  if (user.role === 'member') {
    const text = `${meanwhile}${name} is a member.`
    const stops = [
      'The user can manage the applications and users of the account.',
      'The user can generate a key pair.',
    ]
    const asking = { title: `Change the role of ${name} to admin?`, submit: 'Change role to admin', harmless: true }
    return askPage(user, 'role', { ...asking, text, stops, hidden, status })
  }
  const stops = ['remove access to the console of the account', ...endsPair(user)]
  const text = `${meanwhile}${name} is an admin.`
  return askPage(user, 'role', {
    title: `Change the role of ${name} to member?`,
    submit: 'Change role to member',
    text,
    stops,
    hidden,
    status,
    ...affectedBy(toConsoleEnglish(), user.affected!),
  })
}

export async function askRole(call: ConsoleCall): Promise<void> {
  const user = await userWithCallers(call)
  if (user.role === 'operator') throw new KeywrightError('conflict', 'operators have no account')
  if (user.role === 'member') return call.show(rolePage(user))
  checkUnprotected(user, call)
  call.show(rolePage(user))
}

export async function changeRole(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, show, goTo } = call
  const role = choiceIn(form, 'role', choiceValues(ACCOUNT_ROLE))
  if (!role) throw invalidInput('the form names no role')
  try {
    const user = await setRole(management, who, { userId: params.userId!, role, revision: revisionOf(form) })
    goTo(`${userPath(user.id)}?notice=${role}`)
  } catch (error) {
    if (!(error instanceof KeywrightError && error.code === 'stale')) throw error
    show(rolePage(await userWithCallers(call), true))
  }
}

export async function askStatus(call: ConsoleCall): Promise<void> {
  const user = await userWithCallers(call)
  const name = displayName(user)
  if (user.status === 'disabled') {
    const stops = [
      'The user can sign in again.',
      'Revoked tokens stay revoked: the user and applications get new ones.',
    ]
    const hidden = { status: 'active' }
    const asking = { title: `Enable ${name}?`, submit: 'Enable', harmless: true }
    return call.show(askPage(user, 'status', { ...asking, stops, hidden }))
  }
  checkUnprotected(user, call)
  const stops = [
    'end all sessions of the user and prevent new sign-ins',
    ...disablesPair(user),
    endsApplicationTokens(user),
  ]
  const text = keepsWorking(user)
  const asking = {
    title: `Disable ${name}?`,
    submit: 'Disable',
    stops,
    ...(text && { text }),
    ...affectedBy(toConsoleEnglish(), user.affected!),
  }
  call.show(askPage(user, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', SETTABLE_STATUSES)
  if (!status) throw invalidInput('the form names no status')
  const user = await setUserStatus(management, who, { userId: params.userId!, status })
  goTo(`${userPath(user.id)}?notice=${status}`)
}

export async function askPassword(call: ConsoleCall): Promise<void> {
  const user = await userOf(call)
  const title = `New one-time password for ${displayName(user)}?`
  const stops = ['disable the current password', 'end all sessions of the user']
  call.show(askPage(user, 'password', { title, submit: 'Generate password', stops }))
}

export async function newPassword(call: ConsoleCall): Promise<void> {
  const { management, who, params } = call
  const { user, password } = await givePassword(management, who, { userId: params.userId! })
  const page = oneTimePasswordPage(call, {
    title: `New one-time password for ${displayName(user)}`,
    lead: 'Send this to the user yourself. Keywright sends no message.',
    breadcrumbs: [{ href: '/users', label: 'Users' }],
    email: user.email,
    password: password!,
    greeting: 'You have a new password.',
    done: { href: userPath(user.id), label: 'Done' },
  })
  call.show(page)
}

export async function askInvitationAgain(call: ConsoleCall): Promise<void> {
  const user = await userOf(call)
  const title = `Send an invitation to ${displayName(user)}?`
  const stops = [`${user.email} receives a link to choose a password.`, 'Earlier links keep working until they expire.']
  call.show(askPage(user, 'invitation', { title, submit: 'Send invitation', stops, harmless: true }))
}

export async function inviteAgain({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const user = await sendInvitation(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=invited`)
}

export async function askSessions(call: ConsoleCall): Promise<void> {
  const user = await userWithCallers(call)
  const title = `Sign ${displayName(user)} out of all sessions?`
  const stops = ['end all sessions of the user', ...endsOwnTokens(user), endsApplicationTokens(user)]
  const text = 'The user can sign in again, and the key pair stays valid.'
  call.show(
    askPage(user, 'sessions', {
      title,
      submit: 'Sign out of all sessions',
      text,
      stops,
      ...affectedBy(toConsoleEnglish(), user.affected!),
    }),
  )
}

export async function endSessions({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const userId = params.userId!
  await revokeAllOfUser(management, who, { userId })
  goTo(`${userPath(userId)}?notice=revoked`)
}
