import { SETTABLE_STATUSES } from '../../../accounts/account-attributes.ts'
import { type ConsoleTranslate, toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { sendInvitation } from '../../../management/invitations.ts'
import { mayManagePerson } from '../../../management/tenant-isolation.ts'
import { revokeAllOfUser } from '../../../management/token-operations.ts'
import { givePassword, readUser, setUserStatus } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { invalidInput, KeywrightError } from '../../../shared/errors.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { oneTimePasswordPage } from './one-time-password-page.ts'
import { keepsWorking } from './user-applications-block.ts'
import { disablesPair, endsApplicationTokens, endsOwnTokens, endsPairs, isMemberOnly } from './user-effects.ts'
import { breadcrumbsTo, protectionReason, userPath } from './user-texts.ts'

const userOf = ({ management, who, params }: ConsoleCall): Promise<UserDetails> =>
  readUser(management, who, { userId: params.userId! })

export const userWithCallers = ({ management, who, params }: ConsoleCall): Promise<UserDetails> =>
  readUser(management, who, { userId: params.userId!, withCallers: true })

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

export const askPage = (t: ConsoleTranslate, user: UserDetails, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(t, user),
    action: userPath(user.id, step),
    keep: { href: userPath(user.id), label: t('Cancel') },
    ...asking,
  })

/** @throws KeywrightError `conflict` when the user is protected */
export function checkUnprotected(user: UserDetails, { user: viewer }: ConsoleCall): void {
  const protection = protectionReason(toConsoleEnglish(), user, viewer)
  if (protection) throw new KeywrightError('conflict', protection)
}

/**
 * A page that asks before a change of what belongs to the person. For an admin who may not change it, their page says who may.
 * @param read with the callers, where the page shows whom the change affects
 */
export const askAbout =
  (pageOf: (call: ConsoleCall, user: UserDetails) => ConsolePage, read = userOf) =>
  async (call: ConsoleCall): Promise<void> => {
    const user = await read(call)
    if (!mayManagePerson(call.who, user)) return call.goTo(userPath(user.id))
    call.show(pageOf(call, user))
  }

export async function askStatus(call: ConsoleCall): Promise<void> {
  const { t } = call
  const user = await userWithCallers(call)
  const name = displayName(user)
  if (user.status === 'disabled') {
    const stops = [
      isMemberOnly(user, call) ? t('The user can work in this account again.') : t('The user can sign in again.'),
      t('Revoked tokens stay revoked: the user and applications get new ones.'),
    ]
    const hidden = { status: 'active' }
    const asking = { title: t('Enable {name}?', { name }), submit: t('Enable'), harmless: true }
    return call.show(askPage(t, user, 'status', { ...asking, stops, hidden }))
  }
  checkUnprotected(user, call)
  const stops = [
    isMemberOnly(user, call)
      ? t('end the access of the user to the account')
      : t('end all sessions of the user and prevent new sign-ins'),
    ...(isMemberOnly(user, call) ? endsPairs(t, user, call) : disablesPair(t, user)),
    endsApplicationTokens(t, user),
  ]
  const text = keepsWorking(t, user)
  const asking = {
    title: t('Disable {name}?', { name }),
    submit: t('Disable'),
    stops,
    ...(text && { text }),
    ...affectedBy(t, user.affected!),
  }
  call.show(askPage(t, user, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', SETTABLE_STATUSES)
  if (!status) throw invalidInput('the form names no status')
  const userId = params.userId!
  const before = await readUser(management, who, { userId })
  await setUserStatus(management, who, { userId, status })
  const isHere = status === 'disabled' && !mayManagePerson(who, before)
  goTo(`${userPath(userId)}?notice=${isHere ? 'disabled-here' : status}`)
}

export const askPassword = askAbout(({ t }, user) => {
  const title = t('New one-time password for {name}?', { name: displayName(user) })
  const stops = [t('disable the current password'), t('end all sessions of the user')]
  return askPage(t, user, 'password', { title, submit: t('Generate password'), stops })
})

export async function newPassword(call: ConsoleCall): Promise<void> {
  const { management, who, params, t } = call
  const { user, password } = await givePassword(management, who, { userId: params.userId! })
  const page = oneTimePasswordPage(call, {
    title: t('New one-time password for {name}', { name: displayName(user) }),
    lead: t('Send this to the user yourself. Keywright sends no message.'),
    breadcrumbs: [{ href: '/users', label: t('Users') }],
    email: user.email,
    password: password!,
    greeting: t('You have a new password.'),
    done: { href: userPath(user.id), label: t('Done') },
  })
  call.show(page)
}

export const askInvitationAgain = askAbout(({ t }, user) => {
  const title = t('Send an invitation to {name}?', { name: displayName(user) })
  const stops = [
    t('{email} receives a link to choose a password.', { email: user.email }),
    t('Earlier links keep working until they expire.'),
  ]
  return askPage(t, user, 'invitation', { title, submit: t('Send invitation'), stops, harmless: true })
})

export async function inviteAgain({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const user = await sendInvitation(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=invited`)
}

export const askSessions = askAbout(({ t }, user) => {
  const title = t('Sign {name} out of all sessions?', { name: displayName(user) })
  const stops = [t('end all sessions of the user'), ...endsOwnTokens(t, user), endsApplicationTokens(t, user)]
  const text = t('The user can sign in again, and the key pair stays valid.')
  return askPage(t, user, 'sessions', {
    title,
    submit: t('Sign out of all sessions'),
    text,
    stops,
    ...affectedBy(t, user.affected!),
  })
}, userWithCallers)

export async function endSessions({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const userId = params.userId!
  await revokeAllOfUser(management, who, { userId })
  goTo(`${userPath(userId)}?notice=revoked`)
}
