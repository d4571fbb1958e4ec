import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { readUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { verification } from './email-verification-pages.ts'
import { factorFact, factorReset } from './factor-reset-pages.ts'
import { addedApplicationsBlock } from './user-applications-block.ts'
import { userSessionsBlock } from './user-sessions-block.ts'
import { protectionReason, userPath, userStatusBadge } from './user-texts.ts'

const NOTICES = {
  changed: 'Changes saved.',
  invited: 'Invitation sent. The link in the email works for 7 days.',
  verification: 'Link sent. It works for one day.',
  admin: 'Role changed to admin.',
  member: 'Role changed to member. The key pairs are revoked.',
  active: 'User enabled.',
  disabled: 'User disabled. All tokens of the user are revoked.',
  factors: 'Passkeys and second factors removed. The user is signed out of all sessions.',
  revoked: 'User signed out of all sessions. All tokens of the user are revoked.',
}

/** The title shows the name, a badge the status. */
const { name: _name, status: _status, accountId: ACCOUNT_ID, ...SHOWN } = USER_ATTRIBUTES

function factsOf(user: UserDetails, isOperator: boolean): Fact[] {
  const { id, accountId, accountName } = user
  const account = accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    ...attributeFacts(toConsoleEnglish(), SHOWN, user),
    ...(isOperator ? [fact(ACCOUNT_ID.label, account)] : []),
    factorFact(user),
    fact('Last sign-in', timeCell(user.lastSignedInAt)),
    fact('Added', timeCell(user.createdAt)),
    fact('User ID', idCell(id, 'user ID')),
  ]
}

function holdingsOf(user: UserDetails): Fact[] {
  const { keyPair, namedKeyPairs, email, role, ownTokens, applicationTokens, applications } = user
  const allPairs = `/applications?kind=key_pair&search=${encodeURIComponent(email)}`
  const none = role === 'admin' ? 'none' : 'none (admins only)'
  return [
    fact('Key pair', keyPair === null ? quietCell(none) : linkCell(keyPair, `/key-pairs/${keyPair}`)),
    ...(namedKeyPairs === 0
      ? []
      : [fact('Named key pairs', linkCell(counted(toConsoleEnglish(), namedKeyPairs, 'key pair'), allPairs))]),
    ...(keyPair === null && namedKeyPairs === 0
      ? []
      : [
          fact(
            namedKeyPairs === 0 ? 'Active tokens of the key pair' : 'Active tokens of the key pairs',
            textCell(countedUpTo(toConsoleEnglish(), ownTokens, 'active token')),
          ),
        ]),
    fact(
      'Connected applications',
      applications ? textCell(counted(toConsoleEnglish(), applications, 'application')) : quietCell('none'),
    ),
    fact(
      'Active tokens of applications',
      applicationTokens.count
        ? textCell(countedUpTo(toConsoleEnglish(), applicationTokens, 'active token'))
        : quietCell('none'),
    ),
  ]
}

function roleChange({ id, role }: UserDetails, protection: string | undefined): Change {
  if (role === 'operator') {
    return {
      title: 'Role',
      text: 'Operators have no account. To make this user an admin or member, invite them to an account.',
    }
  }
  const href = userPath(id, 'role')
  if (role === 'member') {
    return {
      title: 'Change role to admin',
      text: 'Admins manage the account.',
      action: { href, label: 'Change role…' },
    }
  }
  const title = 'Change role to member'
  if (protection) return { title, text: protection }
  return {
    title,
    text: 'Members cannot manage the account. The key pairs are revoked immediately.',
    action: { href, label: 'Change role…' },
  }
}

function statusChange({ id, status }: UserDetails, protection: string | undefined): Change {
  const href = userPath(id, 'status')
  if (status === 'disabled') {
    const text = 'The user can sign in again and get new tokens.'
    return { title: 'Enable user', text, action: { href, label: 'Enable…' } }
  }
  const title = 'Disable user'
  if (protection) return { title, text: protection }
  const text = 'The user cannot sign in, and all tokens and sessions are revoked immediately.'
  return { title, text, action: { href, label: 'Disable…', danger: true } }
}

const exportChange = ({ id }: UserDetails): Change => ({
  title: 'Export data',
  text: 'Downloads the profile, consents, key pairs and activity of the user as JSON lines.',
  action: { href: userPath(id, 'export'), label: 'Export data' },
})

function deletion({ id, status }: UserDetails): Change {
  const title = 'Delete user'
  if (status === 'active') return { title, text: 'Disable the user first.' }
  const text = 'Deletes the user, and erases their personal data in the activity log.'
  return { title, text, action: { href: userPath(id, 'delete'), label: 'Delete…', danger: true } }
}

/** For a user who has not accepted an invitation. */
function invitation({ id, isInvited, hasPassword, status }: UserDetails): Change[] {
  if (!isInvited || hasPassword || status !== 'active') return []
  const text = 'The user receives another email with a link to choose a password.'
  return [{ title: 'Send invitation', text, action: { href: userPath(id, 'invitation'), label: 'Send invitation…' } }]
}

function changesOf(user: UserDetails, protection: string | undefined, sendsMail: boolean): Change[] {
  const { id } = user
  return [
    ...(sendsMail ? [...invitation(user), ...verification(user)] : []),
    {
      title: 'Reset password',
      text: 'Generates a one-time password. The current password stops working.',
      action: { href: userPath(id, 'password'), label: 'Reset password…' },
    },
    ...factorReset(user),
    {
      title: 'Sign out of all sessions',
      text: 'Ends all sessions and revokes all tokens of the user. The user can sign in again.',
      action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
    },
    roleChange(user, protection),
    statusChange(user, protection),
    exportChange(user),
    deletion(user),
  ]
}

const ownChanges = ({ id }: UserDetails, protection: string): Change[] => [
  { title: 'Password', text: 'Change your password.', action: { href: '/account/password', label: 'Change password' } },
  {
    title: 'Security',
    text: 'Email address, passkeys, two-factor authentication and recovery codes.',
    action: { href: '/account/security', label: 'Security' },
  },
  {
    title: 'Sign out of all sessions',
    text: 'Ends all your sessions and revokes all your tokens. You then sign in again.',
    action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
  },
  {
    title: 'Your data',
    text: 'Downloads what is stored about you as JSON lines.',
    action: { href: '/account/data', label: 'Download your data' },
  },
  { title: 'Change your role or disable yourself', text: protection },
]

/** The detail page of a user. */
export async function showUser({ management, who, user: viewer, params, show }: ConsoleCall): Promise<void> {
  const user = await readUser(management, who, { userId: params.userId! })
  const protection = protectionReason(user, viewer)
  const isOwn = user.id === viewer.id
  const blocks: Block[] = [
    { part: 'facts', facts: factsOf(user, who.role === 'operator') },
    {
      part: 'facts',
      heading: isOwn ? 'Your credentials and tokens' : 'Credentials and tokens',
      facts: holdingsOf(user),
    },
    ...userSessionsBlock(toConsoleEnglish(), user, isOwn),
    ...(isOwn ? [] : addedApplicationsBlock(user)),
    {
      part: 'changes',
      heading: 'Actions',
      changes: isOwn
        ? ownChanges(user, protection!)
        : user.status === 'deleting'
          ? [exportChange(user)]
          : changesOf(user, protection, management.mail !== undefined),
    },
  ]
  show(
    blocksPage(
      {
        title: displayName(user),
        badge: userStatusBadge(user),
        breadcrumbs: [{ href: '/users', label: 'Users' }],
        actions: [
          { href: `/activity?by=${user.id}`, label: 'Activity' },
          { href: userPath(user.id, 'edit'), label: 'Edit' },
        ],
        notices: NOTICES,
        ...(user.status === 'deleting' && { warning: 'This user is being deleted, and cannot be restored.' }),
      },
      blocks,
    ),
  )
}
