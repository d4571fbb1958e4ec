import type { AccountInvitation } from '../accounts/account-invitations.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { INVITATION_PATH, invitationPath } from './invitation-paths.ts'
import { messagePage } from './messages.ts'
import type { Page } from './page.ts'
import { portrait } from './portrait.ts'
import type { SignedInUser } from './sign-in-directory.ts'

const ROLES: Readonly<Record<AccountInvitation['role'], MessageKey>> = {
  member: 'role.member',
  viewer: 'role.viewer',
  developer: 'role.developer',
  admin: 'role.admin',
}

/** Whether a session may answer an invitation: of the user who has the address, and not fixed to an account that vouches for the user. */
export const mayAnswer = ({ email }: AccountInvitation, user: SignedInUser): boolean =>
  !user.isAccountFixed && emailKey(user.email) === emailKey(email)

/** Who invites where, as HTML. */
const leadOf = (t: Translate, { accountName: account, invitedBy: inviter }: AccountInvitation): string =>
  inviter === null ? t.html('invitation.lead', { account }) : t.html('invitation.leadBy', { account, inviter })

/** An invitation in the list of its user. */
export const invitationRow = (t: Translate, invitation: AccountInvitation) => ({
  href: invitationPath(invitation.id),
  title: t('invitation.title', { account: invitation.accountName }),
  lead: leadOf(t, invitation),
})

/** @param user who is signed in in this browser */
export function invitationPage(
  t: Translate,
  invitation: AccountInvitation,
  { token, user }: { readonly token: string; readonly user: SignedInUser | undefined },
): Page {
  const { accountName: account, email, role } = invitation
  const isOwn = user !== undefined && mayAnswer(invitation, user)
  return {
    view: 'invitation',
    title: t('invitation.title', { account }),
    data: {
      lead: leadOf(t, invitation),
      role: t('invitation.role', { role: t(ROLES[role]) }),
      sees: t.html('invitation.sees', { account }),
      note: t('invitation.declineNote', { account }),
      signIn: t.html('invitation.signIn', { email }),
      path: INVITATION_PATH,
      token,
      user: user && portrait(user),
      isOwn,
      mayJoin: isOwn && user.role !== 'operator',
    },
  }
}

export const invitationOverPage = (t: Translate): Page =>
  messagePage({
    title: t('invitation.over'),
    status: 400,
    paragraphs: [t('invitation.overText')],
    actions: [{ label: t('common.home'), href: '/' }],
  })
