import { readUser, type UserDetails } from '../../../management/user-operations.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { addedApplicationsBlock } from './user-applications-block.ts'
import { protectionReason, ROLE_NAMES, userPath, userStatusBadge } from './user-texts.ts'

const NOTICES = {
  changed: 'The change is saved.',
  admin: 'They are an admin now.',
  member: 'They are a member now. Their key pair has ended.',
  active: 'They can sign in again.',
  disabled: 'They are switched off: they cannot sign in, and every token in their name is dead.',
  revoked: 'They are signed out everywhere, and every token in their name is dead.',
}

function factsOf(person: UserDetails, isOperator: boolean): Fact[] {
  const { id, email, role, accountId, accountName } = person
  const account = accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    fact('Email address', idCell(email, 'email address')),
    fact('Role', textCell(ROLE_NAMES[role])),
    ...(isOperator ? [fact('Account', account)] : []),
    fact('Last signed in', timeCell(person.lastSignedInAt)),
    fact('Added', timeCell(person.createdAt)),
    fact('User id', idCell(id, 'user id')),
  ]
}

function holdingsOf({ keyPair, role, ownTokens, heldTokens, applications }: UserDetails): Fact[] {
  const none = role === 'admin' ? 'none generated yet' : 'none; only admins have one'
  return [
    fact('Key pair', keyPair === null ? quietCell(none) : idCell(keyPair, 'client id')),
    ...(keyPair === null ? [] : [fact('Its live tokens', textCell(countedUpTo(ownTokens, 'live token')))]),
    fact('Applications allowed', applications ? textCell(counted(applications, 'application')) : quietCell('none')),
    fact(
      'Tokens held for them',
      heldTokens.count ? textCell(countedUpTo(heldTokens, 'live token')) : quietCell('none'),
    ),
  ]
}

function roleChange({ id, role }: UserDetails, protection: string | undefined): Change {
  if (role === 'operator') {
    return {
      title: 'Role',
      text: 'Operators belong to no account; invite them anew to make them admin or member of one.',
    }
  }
  const href = userPath(id, 'role')
  if (role === 'member') {
    return {
      title: 'Make them an admin',
      text: 'They manage the account then.',
      action: { href, label: 'Make an admin…' },
    }
  }
  const title = 'Make them a member'
  if (protection) return { title, text: protection }
  return {
    title,
    text: 'They manage nothing then, and lose their key pair at once.',
    action: { href, label: 'Make a member…' },
  }
}

function statusChange({ id, status }: UserDetails, protection: string | undefined): Change {
  const href = userPath(id, 'status')
  if (status === 'disabled') {
    const text = 'They can sign in again, and get new tokens.'
    return { title: 'Switch them on', text, action: { href, label: 'Switch on…' } }
  }
  const title = 'Switch them off'
  if (protection) return { title, text: protection }
  const text = 'They cannot sign in, and everything in their name ends at once.'
  return { title, text, action: { href, label: 'Switch off…', danger: true } }
}

function changesOf(person: UserDetails, protection: string | undefined): Change[] {
  const { id } = person
  return [
    {
      title: 'Give them a new one-time password',
      text: 'For somebody who forgot theirs. The present one stops working.',
      action: { href: userPath(id, 'password'), label: 'New password…' },
    },
    {
      title: 'Sign them out everywhere',
      text: 'Ends every session and revokes every token in their name. They can sign in again.',
      action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
    },
    roleChange(person, protection),
    statusChange(person, protection),
  ]
}

const ownChanges = ({ id }: UserDetails, protection: string): Change[] => [
  { title: 'Password', text: 'Choose another one.', action: { href: '/account/password', label: 'Change password' } },
  {
    title: 'Sign out everywhere',
    text: 'Ends every session of yours and revokes every token in your name. You then sign in again.',
    action: { href: userPath(id, 'sessions'), label: 'Sign out…' },
  },
  { title: 'Change your role, or switch yourself off', text: protection },
]

/** Somebody: who they are, what they hold, and what can be done about it. */
export async function showUser({ management, who, person: viewer, params, show }: ConsoleCall): Promise<void> {
  const person = await readUser(management, who, { userId: params.userId! })
  const protection = protectionReason(person, viewer)
  const isOwn = person.id === viewer.id
  const blocks: Block[] = [
    { part: 'facts', facts: factsOf(person, who.role === 'operator') },
    { part: 'facts', heading: isOwn ? 'What you hold' : 'What they hold', facts: holdingsOf(person) },
    ...(isOwn ? [] : addedApplicationsBlock(person)),
    {
      part: 'changes',
      heading: 'What can be done',
      changes: isOwn ? ownChanges(person, protection!) : changesOf(person, protection),
    },
  ]
  show(
    blocksPage(
      {
        title: displayName(person),
        badge: userStatusBadge(person),
        crumbs: [{ href: '/users', label: 'People' }],
        actions: [
          { href: `/activity?by=${person.id}`, label: 'Activity' },
          { href: userPath(person.id, 'edit'), label: 'Edit' },
        ],
        notices: NOTICES,
      },
      blocks,
    ),
  )
}
