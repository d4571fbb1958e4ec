import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import { readUser, type UserDetails } from '../../../management/user-operations.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { addedApplicationsBlock } from './user-applications-block.ts'
import { protectionReason, userPath, userStatusBadge } from './user-texts.ts'

const NOTICES = {
  changed: 'Changes saved.',
  admin: 'Role changed to admin.',
  member: 'Role changed to member. The key pair is revoked.',
  active: 'User enabled.',
  disabled: 'User disabled. All tokens of the user are revoked.',
  revoked: 'User signed out of all sessions. All tokens of the user are revoked.',
}

/** The title shows the name, a badge the status. */
const { name: _name, status: _status, accountId: ACCOUNT_ID, ...SHOWN } = USER_ATTRIBUTES

function factsOf(user: UserDetails, isOperator: boolean): Fact[] {
  const { id, accountId, accountName } = user
  const account = accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    ...attributeFacts(SHOWN, user),
    ...(isOperator ? [fact(ACCOUNT_ID.label, account)] : []),
    fact('Last sign-in', timeCell(user.lastSignedInAt)),
    fact('Added', timeCell(user.createdAt)),
    fact('User ID', idCell(id, 'user ID')),
  ]
}

function holdingsOf({ keyPair, role, ownTokens, applicationTokens, applications }: UserDetails): Fact[] {
  const none = role === 'admin' ? 'none' : 'none (admins only)'
  return [
    fact('Key pair', keyPair === null ? quietCell(none) : idCell(keyPair, 'client ID')),
    ...(keyPair === null
      ? []
      : [fact('Active tokens of the key pair', textCell(countedUpTo(ownTokens, 'active token')))]),
    fact('Connected applications', applications ? textCell(counted(applications, 'application')) : quietCell('none')),
    fact(
      'Active tokens of applications',
      applicationTokens.count ? textCell(countedUpTo(applicationTokens, 'active token')) : quietCell('none'),
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
    text: 'Members cannot manage the account. The key pair is revoked immediately.',
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

function changesOf(user: UserDetails, protection: string | undefined): Change[] {
  const { id } = user
  return [
    {
      title: 'Reset password',
      text: 'Generates a one-time password. The current password stops working.',
      action: { href: userPath(id, 'password'), label: 'Reset password…' },
    },
    {
      title: 'Sign out of all sessions',
      text: 'Ends all sessions and revokes all tokens of the user. The user can sign in again.',
      action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
    },
    roleChange(user, protection),
    statusChange(user, protection),
  ]
}

const ownChanges = ({ id }: UserDetails, protection: string): Change[] => [
  { title: 'Password', text: 'Change your password.', action: { href: '/account/password', label: 'Change password' } },
  {
    title: 'Sign out of all sessions',
    text: 'Ends all your sessions and revokes all your tokens. You then sign in again.',
    action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
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
    ...(isOwn ? [] : addedApplicationsBlock(user)),
    {
      part: 'changes',
      heading: 'Actions',
      changes: isOwn ? ownChanges(user, protection!) : changesOf(user, protection),
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
      },
      blocks,
    ),
  )
}
