import type { Knex } from 'knex'
import { takeWork } from '../accounts/sign-in-limits.ts'
import { checkProfileChange, resetPassword, saveProfile } from '../accounts/user-administration.ts'
import type { AccountRole, Role } from '../accounts/user-attributes.ts'
import type { Profile, User, UserWithAccountRow } from '../accounts/users.ts'
import { findUser as findUserByIdOrEmail, toUser } from '../accounts/users.ts'
import { searchedEmails } from '../shared/email-addresses.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { ADDED_APPLICATIONS, type AddedApplication } from './applications-by-creator.ts'
import { activeTokensOf, type Bounded, ofAccount, toBounded } from './bounded-counts.ts'
import type { Invited } from './invitations.ts'
import { idKey, momentKey, orderOf, type Sort, textKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import { isCommandLine, type Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { narrowBySearch } from './search.ts'
import { accountInScope, checkTenant, userFor } from './tenant-isolation.ts'
import { changeUserRole, changeUserStatus, withdrawPassword } from './user-changes.ts'

/** A user as lists show them. */
export interface UserSummary extends User {
  /** Null for an operator. */
  readonly accountName: string | null
  readonly createdAt: Date
  /** The user has not chosen a password yet. */
  readonly isInvited: boolean
  /** Without a password the user cannot sign in until an admin or operator gives them a one-time password. */
  readonly hasPassword: boolean
  readonly lastSignedInAt: Date | null
}

export interface UserDetails extends UserSummary {
  /** Client ID of the user's key pair. */
  readonly keyPair: string | null
  /** Number of applications that have the user's consent. */
  readonly applications: number
  /** Active access tokens of the user's key pair. */
  readonly ownTokens: Bounded
  /** Active access tokens that applications hold for the user. */
  readonly applicationTokens: Bounded
  /** Newest first, at most `MOST_ADDED_APPLICATIONS`. */
  readonly addedApplications: readonly AddedApplication[]
  /** The account has no other active admin who can sign in. */
  readonly isLastAdmin: boolean
}

export interface UserQuery extends PageRequest {
  /** Prefixes of words of the name and email address. */
  readonly search?: string | undefined
  readonly role?: Role | undefined
  readonly status?: User['status'] | undefined
  readonly accountId?: string | undefined
  readonly sort?: Sort<'email' | 'name' | 'added'> | undefined
}

interface UserSubjectRow extends UserWithAccountRow {
  created_at: Date
  password_change_required: boolean
  password_hash: string | null
  last_signed_in_at: Date | null
}

const toSummary = (row: UserSubjectRow): UserSummary => ({
  ...toUser(row),
  accountName: row.account_name,
  createdAt: row.created_at,
  isInvited: row.password_change_required,
  hasPassword: row.password_hash !== null,
  lastSignedInAt: row.last_signed_in_at,
})

const ORDERS = {
  email: [textKey('users.email_key'), idKey('users.id')],
  name: [textKey('lower(coalesce(users.name, users.email))'), idKey('users.id')],
  added: [momentKey('users.created_at'), idKey('users.id')],
}

/** Sorted by email address unless `sort` says otherwise. */
export const searchUsers = operation<UserQuery, PageOf<UserSummary>>(
  { role: 'admin', scope: 'users:read' },
  async ({ knex }, principal, { search, role, status, sort = 'email', accountId: wanted, ...request }) => {
    const accountId = accountInScope(principal, wanted)
    const base = knex('users')
    if (accountId !== undefined) base.where('users.account_id', accountId)
    const typed = search?.trim() || undefined
    narrowBySearch(base, "coalesce(users.name, '') || ' ' || users.email", typed && searchedEmails(typed))
    const list = {
      base,
      filters: [
        ...(role ? [knex.raw('users.role = ?', [role])] : []),
        ...(status ? [knex.raw('users.status = ?', [status])] : []),
      ],
      order: orderOf(ORDERS, sort),
    }
    const select = (query: Knex.QueryBuilder) =>
      query
        .leftJoin('accounts', 'accounts.id', 'users.account_id')
        .select('users.*', 'accounts.name AS account_name', 'accounts.status AS account_status')
    return await readPage<UserSubjectRow & PagedRow, UserSummary>(knex, list, request, select, toSummary)
  },
)

/** A user by id or email address. @throws KeywrightError `not_found` */
export const findUser = operation<{ idOrEmail: string }, User>(
  { role: 'operator', scope: 'users:read' },
  async ({ knex }, _principal, { idOrEmail }) => await findUserByIdOrEmail(knex, idOrEmail),
)

interface UserSelector {
  readonly userId: string
}

const READ = `
  SELECT u.*, a.name AS account_name, a.status AS account_status,
         (SELECT c.client_id FROM clients c
           WHERE c.user_id = u.id AND c.kind = 'key_pair' AND c.status <> 'replaced') AS key_pair,
         (SELECT count(*)::int FROM consents s WHERE s.user_id = u.id) AS applications,
         (${activeTokensOf('t.user_id = u.id')}) AS own_tokens,
         (${activeTokensOf("t.subject = u.id::text AND t.subject <> ''")}) AS application_tokens,
         (${ADDED_APPLICATIONS}) AS added_applications,
         u.role = 'admin' AND u.status = 'active' AND NOT EXISTS (
           SELECT FROM users o
            WHERE ${ofAccount('o.account_id', 'u.account_id')} AND o.role = 'admin' AND o.status = 'active'
              AND o.id <> u.id AND o.password_hash IS NOT NULL) AS is_last
    FROM users u LEFT JOIN accounts a ON a.id = u.account_id
   WHERE u.id = ?`

interface DetailsRow extends UserSubjectRow {
  key_pair: string | null
  applications: number
  own_tokens: number
  application_tokens: number
  added_applications: AddedApplication[] | null
  is_last: boolean
}

const toDetails = (row: DetailsRow): UserDetails => ({
  ...toSummary(row),
  keyPair: row.key_pair,
  applications: row.applications,
  ownTokens: toBounded(row.own_tokens),
  applicationTokens: toBounded(row.application_tokens),
  addedApplications: row.added_applications ?? [],
  isLastAdmin: row.is_last,
})

export const readUser = operation<UserSelector, UserDetails>(
  { role: 'admin', scope: 'users:read' },
  async ({ knex }, principal, { userId }) => {
    if (!isId(userId)) throw notFound('user', userId)
    const { rows } = await knex.raw(READ, [userId])
    const row: DetailsRow | undefined = rows[0]
    if (!row) throw notFound('user', userId)
    checkTenant(principal, row.account_id, 'user', userId)
    return toDetails(row)
  },
)

/**
 * An operator may leave an account without an active admin, because an operator can make new ones. The command line may
 * leave the instance without an active operator for the same reason.
 */
const rulesFor = (principal: Principal) => ({
  keepAdmin: principal.role !== 'operator',
  keepOperator: !isCommandLine(principal),
  ...(principal.userId !== null && { self: principal.userId }),
})

interface UserChange extends UserSelector, Partial<Profile> {
  readonly revision?: number | undefined
}

/**
 * Users sign in with their email address, so changing it requires a recent sign-in. An application that acts for itself may
 * change it, for example to synchronize a directory: an address alone lets no user sign in.
 */
function checkMayChangeAddress(principal: Principal, before: User, email: string | undefined): void {
  if (email === undefined || email === before.email || (isProgram(principal) && principal.userId === null)) return
  requireRecentSignIn(principal, 'changing an email address')
}

/** Validates a change of a user without making it. @throws KeywrightError as `updateUser` */
export const checkUserUpdate = operation<UserChange, void>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { userId, ...changes }) => {
    const before = await userFor(knex, principal, userId)
    checkMayChangeAddress(principal, before, changes.email)
    await checkProfileChange(knex, before, changes)
  },
)

/** @throws KeywrightError also `stale`, `conflict` (the address is taken), `insufficient_user_authentication` */
export const updateUser = operation<UserChange, User>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { userId, revision, ...changes }) => {
    checkMayChangeAddress(principal, await userFor(knex, principal, userId), changes.email)
    return await saveProfile(knex, userId, changes, principal.actor, revision)
  },
)

/** A former admin loses their key pair. @throws KeywrightError also `stale`, `conflict` (the last admin) */
export const setRole = operation<UserSelector & { role: AccountRole; revision?: number | undefined }, User>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { userId, role, revision }) => {
    await userFor(knex, principal, userId)
    // An admin can give passwords, so a session alone must not be enough to make one.
    if (role === 'admin' && !isProgram(principal)) requireRecentSignIn(principal, 'making a user an admin')
    return await changeUserRole(knex, userId, role, principal.actor, { ...rulesFor(principal), expected: revision })
  },
)

/** Disabling revokes the user's sessions and all tokens for the user at once. @throws KeywrightError also `conflict` (the last admin) */
export const setUserStatus = operation<UserSelector & { status: User['status'] }, User>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { userId, status }) => {
    await userFor(knex, principal, userId)
    return await changeUserStatus(knex, userId, status, principal.actor, rulesFor(principal))
  },
)

/**
 * Generates a one-time password for a user who forgot theirs. A program never receives one: it removes the password, and
 * an admin or operator then gives a new one. A program cannot lock out its own user or the last admin who can sign in.
 */
export const givePassword = operation<UserSelector, Invited>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { userId }) => {
    await userFor(knex, principal, userId)
    if (isProgram(principal)) {
      const rules = { ...rulesFor(principal), keepAdmin: true }
      return { user: await withdrawPassword(knex, userId, principal.actor, rules), password: null }
    }
    requireRecentSignIn(principal, 'resetting a password')
    if (principal.userId !== null) await takeWork(knex, principal.userId)
    return await resetPassword(knex, userId, principal.actor)
  },
)
