import { mayOwnKeyPairs } from '../../../accounts/permissions.ts'
import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { mayManagePerson } from '../../../management/tenant-isolation.ts'
import { readUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { attributesWhere } from '../../../shared/attributes.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { addressConfirmation } from './address-confirmation-page.ts'
import { verification } from './email-verification-pages.ts'
import { factorFact, factorReset } from './factor-reset-pages.ts'
import { roleChange } from './role-pages.ts'
import { accessChanges, accessHere } from './user-access-changes.ts'
import { userAccountsBlock } from './user-accounts-block.ts'
import { addedApplicationsBlock } from './user-applications-block.ts'
import { userSessionsBlock } from './user-sessions-block.ts'
import { protectionReason, userPath, userStatusBadge } from './user-texts.ts'

const noticesIn = (t: ConsoleTranslate) => ({
  changed: t('Changes saved.'),
  invited: t('Invitation sent. The link in the email works for 7 days.'),
  verification: t('Link sent. It works for one day.'),
  address: t('Email address confirmed.'),
  admin: t('Role changed to admin.'),
  developer: t('Role changed to developer.'),
  viewer: t('Role changed to viewer. The user has no key pairs.'),
  member: t('Role changed to member. The user has no key pairs.'),
  active: t('User enabled.'),
  disabled: t('User disabled. All tokens of the user are revoked.'),
  offboarded: t('User off-boarded. Their sessions, key pairs, connected applications and tokens have ended.'),
  'offboarded-here': t('User off-boarded from this account. What they had in it has ended.'),
  'disabled-here': t('User disabled in this account. The tokens of the user for it are revoked.'),
  factors: t('Passkeys and second factors removed. The user is signed out of all sessions.'),
  revoked: t('User signed out of all sessions. All tokens of the user are revoked.'),
})

/** The title shows the name, a badge the status. */
const { name: _name, status: _status, accountId: ACCOUNT_ID, ...SHOWN } = USER_ATTRIBUTES

const SHOWN_TO_ADMINS = attributesWhere(SHOWN, ({ operatorOnly }) => !operatorOnly)

function factsOf(t: ConsoleTranslate, user: UserDetails, isOperator: boolean): Fact[] {
  const { id, accountId, accountName } = user
  const account =
    accountId === null ? quietCell(t('no account')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    ...attributeFacts(t, isOperator ? SHOWN : SHOWN_TO_ADMINS, user),
    ...(isOperator ? [fact(t.declared(ACCOUNT_ID.label), account)] : []),
    factorFact(t, user),
    fact(t('Last sign-in'), timeCell(user.lastSignedInAt)),
    fact(t('Added'), timeCell(user.createdAt)),
    fact(t('User ID'), idCell(id, t('user ID'))),
  ]
}

function holdingsOf(t: ConsoleTranslate, user: UserDetails): Fact[] {
  const { keyPair, namedKeyPairs, email, role, ownTokens, applicationTokens, applications } = user
  const allPairs = `/applications?kind=key_pair&search=${encodeURIComponent(email)}`
  const noPair = mayOwnKeyPairs(role) ? t('no key pair') : t('none (developers and admins only)')
  return [
    fact(t('Key pair'), keyPair === null ? quietCell(noPair) : linkCell(keyPair, `/key-pairs/${keyPair}`)),
    ...(namedKeyPairs === 0
      ? []
      : [fact(t('Named key pairs'), linkCell(counted(t, namedKeyPairs, 'key pair'), allPairs))]),
    ...(keyPair === null && namedKeyPairs === 0
      ? []
      : [
          fact(
            namedKeyPairs === 0 ? t('Active tokens of the key pair') : t('Active tokens of the key pairs'),
            textCell(countedUpTo(t, ownTokens, 'active token')),
          ),
        ]),
    fact(
      t('Connected applications'),
      applications ? textCell(counted(t, applications, 'application')) : quietCell(t('none')),
    ),
    fact(
      t('Active tokens of applications'),
      applicationTokens.count ? textCell(countedUpTo(t, applicationTokens, 'active token')) : quietCell(t('none')),
    ),
  ]
}

const exportChange = (t: ConsoleTranslate, { id }: UserDetails): Change => ({
  title: t('Export data'),
  text: t('Downloads the profile, consents, key pairs and activity of the user as JSON lines.'),
  action: { href: userPath(id, 'export'), label: t('Export data') },
})

/** For a user who has not accepted an invitation. */
function invitation(t: ConsoleTranslate, { id, isInvited, hasPassword, status }: UserDetails): Change[] {
  if (!isInvited || hasPassword || status !== 'active') return []
  const text = t('The user receives another email with a link to choose a password.')
  return [
    { title: t('Send invitation'), text, action: { href: userPath(id, 'invitation'), label: t('Send invitation…') } },
  ]
}

function changesOf(
  t: ConsoleTranslate,
  user: UserDetails,
  protection: string | undefined,
  sendsMail: boolean,
): Change[] {
  const { id } = user
  return [
    ...addressConfirmation(t, user),
    ...(sendsMail ? [...invitation(t, user), ...verification(t, user)] : []),
    {
      title: t('Reset password'),
      text: t('Generates a one-time password. The current password stops working.'),
      action: { href: userPath(id, 'password'), label: t('Reset password…') },
    },
    ...factorReset(t, user),
    {
      title: t('Sign out of all sessions'),
      text: t('Ends all sessions and revokes all tokens of the user. The user can sign in again.'),
      action: { href: userPath(id, 'sessions'), label: t('Sign out…') },
    },
    roleChange(t, user, protection),
    exportChange(t, user),
  ]
}

/** For a user who belongs to another account as well: what an admin of this one may change. */
const changesHere = (t: ConsoleTranslate, user: UserDetails, protection: string | undefined): Change[] => [
  {
    title: t('Profile, password and sessions'),
    text: t('The user belongs to another account as well. Only the user and operators can change these.'),
  },
  roleChange(t, user, protection),
]

const ownChanges = (t: ConsoleTranslate, { id }: UserDetails, protection: string): Change[] => [
  {
    title: t('Password'),
    text: t('Change your password.'),
    action: { href: '/account/password', label: t('Change password') },
  },
  {
    title: t('Security'),
    text: t('Email address, passkeys, two-factor authentication and recovery codes.'),
    action: { href: '/account/security', label: t('Security') },
  },
  {
    title: t('Sign out of all sessions'),
    text: t('Ends all your sessions and revokes all your tokens. You then sign in again.'),
    action: { href: userPath(id, 'sessions'), label: t('Sign out…') },
  },
  {
    title: t('Your data'),
    text: t('Downloads what is stored about you as JSON lines.'),
    action: { href: '/account/data', label: t('Download your data') },
  },
  { title: t('Change your role or disable yourself'), text: protection },
]

/** For operators, who alone may know it. */
const pendingLead = (t: ConsoleTranslate, { email }: UserDetails): string =>
  t(
    'Pending: another user has the address {email}. To join this account, the person follows the invitation, or signs in with the one-time password, and then with their own user.',
    { email },
  )

/** The detail page of a user. */
export async function showUser({ management, who, user: viewer, params, show, t }: ConsoleCall): Promise<void> {
  const user = await readUser(management, who, { userId: params.userId! })
  const protection = protectionReason(t, user, viewer)
  const isOwn = user.id === viewer.id
  const mayManage = mayManagePerson(who, user)
  const blocks: Block[] = [
    { part: 'facts', facts: factsOf(t, user, who.role === 'operator') },
    {
      part: 'facts',
      heading: isOwn ? t('Your credentials and tokens') : t('Credentials and tokens'),
      facts: holdingsOf(t, user),
    },
    ...userAccountsBlock(t, user),
    ...userSessionsBlock(t, user, isOwn),
    ...(isOwn ? [] : addedApplicationsBlock(t, user)),
    {
      part: 'changes',
      heading: t('Actions'),
      changes: isOwn
        ? ownChanges(t, user, protection!)
        : user.status === 'deleting'
          ? mayManage
            ? [exportChange(t, user)]
            : []
          : !mayManage
            ? changesHere(t, user, protection)
            : changesOf(t, user, protection, management.mail !== undefined),
    },
    ...(isOwn || user.status === 'deleting'
      ? []
      : [
          {
            part: 'changes' as const,
            heading: t('Access'),
            changes: mayManage ? accessChanges(t, user, protection) : accessHere(t, user, protection),
          },
        ]),
  ]
  show(
    blocksPage(
      {
        title: displayName(user),
        badge: userStatusBadge(t, user),
        breadcrumbs: [{ href: '/users', label: t('Users') }],
        actions: [
          { href: `/activity?by=${user.id}`, label: t('Activity') },
          ...(mayManage ? [{ href: userPath(user.id, 'edit'), label: t('Edit') }] : []),
        ],
        ...(user.isPending && { lead: pendingLead(t, user) }),
        notices: noticesIn(t),
        ...(user.status === 'deleting' && { warning: t('This user is being deleted, and cannot be restored.') }),
      },
      blocks,
    ),
  )
}
