import type { AccountInvitation } from '../accounts/account-invitations.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import type { EarlierCredentials } from '../management/earlier-credentials.ts'
import type { JoinCondition } from '../management/joining.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { type EarlierProblem, earlierData, earlierStatus } from './earlier-credentials-form.ts'
import { INVITATION_PATH, invitationPath } from './invitation-paths.ts'
import { messagePage } from './messages.ts'
import { VERIFICATION_PATH } from './own-paths.ts'
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

/** What the page of an invitation depends on. */
interface InvitationState extends EarlierProblem {
  readonly token: string
  /** Who is signed in in this browser. */
  readonly user: SignedInUser | undefined
  readonly condition: JoinCondition
  /** By what somebody can sign in as the user, if they decide about it here. */
  readonly earlier?: EarlierCredentials | undefined
}

const earlierOf = (t: Translate, { token, earlier, ...problem }: InvitationState) => {
  const form = {
    action: INVITATION_PATH,
    hidden: { token, answer: 'join' },
    endLabel: t('invitation.end'),
    keepLabel: t('invitation.keep'),
  }
  return earlier && earlierData(t, earlier, form, problem)
}

export function invitationPage(t: Translate, invitation: AccountInvitation, state: InvitationState): Page {
  const { token, user, condition } = state
  const { accountName: account, email, role } = invitation
  const isOwn = user !== undefined && mayAnswer(invitation, user)
  const mayJoin = isOwn && user.role !== 'operator'
  return {
    view: 'invitation',
    title: t('invitation.title', { account }),
    status: earlierStatus(state),
    data: {
      lead: leadOf(t, invitation),
      role: t('invitation.role', { role: t(ROLES[role]) }),
      sees: t.html('invitation.sees', { account }),
      note: t('invitation.declineNote', { account }),
      signIn: t.html('invitation.signIn', { email }),
      path: INVITATION_PATH,
      token,
      user: user && portrait(user),
      email,
      isOwn,
      isOperator: isOwn && !mayJoin,
      mayJoin: mayJoin && condition === 'none',
      proof: mayJoin && condition === 'proof_of_mailbox' ? t.html('invitation.proof', { email }) : undefined,
      proofPath: VERIFICATION_PATH,
      earlier: mayJoin ? earlierOf(t, state) : undefined,
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
