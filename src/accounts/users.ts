import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { normalizedValues } from '../shared/attribute-values.ts'
import { initialValues, type ValuesOf } from '../shared/attributes.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { generateSecret } from '../shared/secrets.ts'
import { HAS_FAILED_WEBHOOK, HAS_OPEN_LEAK } from './account-warnings.ts'
import { getAccount } from './accounts.ts'
import { joinMembership, ROLE_OF_USER, roleInUsers, type SessionAccount, saveMembershipRole } from './memberships.ts'
import { SESSION_LIFETIMES, type SessionLifetimes } from './session-lifetime-attributes.ts'
import { MEMBERSHIP_ATTRIBUTES, PROFILE_ATTRIBUTES, USER_ATTRIBUTES } from './user-attributes.ts'
import { checkProfile } from './user-checks.ts'
import { type HowAdded, insertUserRow } from './user-insertion.ts'
import { lockUserExclusive } from './user-locks.ts'

export type Profile = ValuesOf<typeof PROFILE_ATTRIBUTES>

export interface User extends ValuesOf<typeof USER_ATTRIBUTES> {
  readonly id: string
  /** When a claim of the user last changed. */
  readonly updatedAt: Date
  /** Sessions that began earlier are revoked. */
  readonly sessionsValidFrom: Date
  readonly createdAt: Date
  /** Increases with each change by somebody else. */
  readonly revision: number
}

/** Null for an operator. */
export interface AccountOfUser {
  readonly accountStatus: User['status'] | null
  readonly accountName: string | null
  /** A leaked credential of the account was reported; for an operator, of the instance. Nobody has dismissed the report. */
  readonly hasOpenLeak: boolean
  /** A webhook of the account, for an operator of the instance, was disabled because its receiver failed. */
  readonly hasFailedWebhook: boolean
  /** An authenticator app or a passkey. */
  readonly hasSecondFactor: boolean
  /** The owner of the mailbox has set up, or accepted, everything by which the user signs in (`verified-emails.ts`). */
  readonly isProven: boolean
  /** The user is a member of another account as well. */
  readonly hasOtherAccounts: boolean
  /** Sessions that are fixed to the account and began earlier are revoked. Null for an operator. */
  readonly memberSince: Date | null
  /** Lifetimes of the user's sessions, in seconds: settings of the instance. */
  readonly sessionLifetimes: SessionLifetimes
}

/** Whether the user and their account are active. */
export const mayAct = ({ status, accountStatus }: User & AccountOfUser): boolean =>
  status === 'active' && (accountStatus ?? 'active') === 'active'

export interface UserRow extends AttributeRow {
  id: string
  email_key: string
  proven_mailbox_key: string | null
  account_id: string | null
  updated_at: Date
  sessions_valid_from: Date
  created_at: Date
  revision: number
}

export interface UserWithAccountRow extends UserRow {
  account_status: AccountOfUser['accountStatus']
  account_name: string | null
  has_open_leak: boolean
  has_failed_webhook: boolean
  has_authenticator_app: boolean
  has_passkey: boolean
  has_other_accounts: boolean
  member_since: Date | null
  session_lifetimes: SessionLifetimes
}

/** The columns that `toUser` reads, for `select` and `returning`. */
export const userColumns = (db: Knex) => ['users.*', db.raw(`${ROLE_OF_USER} AS role`)]

export const toUser = (row: UserRow): User => ({
  id: row.id,
  ...fromColumns(USER_ATTRIBUTES, row),
  updatedAt: row.updated_at,
  sessionsValidFrom: row.sessions_valid_from,
  createdAt: row.created_at,
  revision: row.revision,
})

const HAS_FACTORS = `
  EXISTS (SELECT FROM totp_factors f WHERE f.user_id = users.id) AS has_authenticator_app,
  EXISTS (SELECT FROM passkeys p WHERE p.user_id = users.id) AS has_passkey`

/** SQL: the status of the user `u` in the account of the joined `membership`. A user may be disabled in one account only. */
export const statusInAccount = (u: string): string =>
  `CASE WHEN ${u}.status = 'active' THEN coalesce(membership.status, 'active') ELSE ${u}.status END`

/** SQL: what the joined `membership` says in place of the columns of `users u`. */
export const membershipColumns = (u: string): string => `
  membership.account_id, membership.valid_from AS member_since, membership.account_name, membership.account_status,
  coalesce(membership.role, ${u}.role) AS role,
  ${statusInAccount(u)} AS status,
  EXISTS (SELECT FROM memberships n WHERE n.user_id = ${u}.id AND n.account_id <> membership.account_id) AS has_other_accounts`

/** Every column of users, with the account, role and status by the membership that `joinMembership` chooses. */
export const usersWithAccount = (db: Knex, account?: SessionAccount, ownSession = false) =>
  db('users')
    .modify(joinMembership, account, ownSession)
    .select('users.*', db.raw(membershipColumns('users')))
    .select(db.raw(HAS_OPEN_LEAK), db.raw(HAS_FAILED_WEBHOOK), db.raw(HAS_FACTORS))
    .select(db.raw(SESSION_LIFETIMES))

/** Attributes that are left out get their initial value. */
export type NewUser = Partial<Profile> & Pick<User, 'email' | 'role' | 'accountId'> & HowAdded

/**
 * Adds a user. With a null password they cannot sign in until they get one.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (the address is taken)
 */
async function insertUser(db: Knex, person: NewUser, password: string | null): Promise<User> {
  const { role, accountId, mayBePending, invitedBy = null, ...values } = person
  if ((role === 'operator') !== (accountId === null)) {
    throw invalidInput('an operator belongs to no account; an admin or member belongs to one')
  }
  if (accountId !== null) await getAccount(db, accountId)
  const profile = normalizedValues(PROFILE_ATTRIBUTES, { ...initialValues(PROFILE_ATTRIBUTES), ...values })
  const row = {
    id: newId(),
    ...profileColumns(profile),
    ...toColumns(MEMBERSHIP_ATTRIBUTES, { role: roleInUsers(role), accountId }),
    invited_by: invitedBy,
    // Who must not learn which addresses have users answers for one account only.
    vouched_email_key: mayBePending ? null : emailKey(person.email),
  }
  const owner = { role, accountId, mayBePending }
  const created = await insertUserRow<UserRow>(db, row, password, () => checkProfile(db, profile, owner))
  if (role !== 'operator') await saveMembershipRole(db, { userId: row.id, accountId: accountId! }, role)
  return { ...toUser(created), role }
}

/** Adds a user with a one-time password, to be changed at the first sign-in. @throws as `insertUser` */
export async function createUser(db: Knex, person: NewUser): Promise<{ user: User; password: string }> {
  const password = generateSecret('password')
  return { user: await insertUser(db, person, password), password }
}

/** @throws as `insertUser` */
export const createUserWithoutPassword = (db: Knex, person: NewUser): Promise<User> => insertUser(db, person, null)

/** Undefined: unknown. */
export async function lookUpUser(db: Knex, idOrEmail: string): Promise<User | undefined> {
  const key = isId(idOrEmail) ? { id: idOrEmail } : { email_key: emailKey(idOrEmail) }
  const row: UserRow | undefined = await db('users').where(key).first(userColumns(db))
  return row && toUser(row)
}

/** @throws KeywrightError `not_found` */
export async function findUser(db: Knex, idOrEmail: string): Promise<User> {
  const user = await lookUpUser(db, idOrEmail)
  if (!user) throw notFound('user', idOrEmail)
  return user
}

type Found = (User & AccountOfUser) | undefined

async function findIn(db: Knex, id: string, account?: SessionAccount, ownSession = false): Promise<Found> {
  const row: UserWithAccountRow | undefined = isId(id)
    ? await usersWithAccount(db, account, ownSession).where('users.id', id).first()
    : undefined
  if (!row) return undefined
  return {
    ...toUser(row),
    accountStatus: row.account_status,
    accountName: row.account_name,
    hasOpenLeak: row.has_open_leak,
    hasFailedWebhook: row.has_failed_webhook,
    hasSecondFactor: row.has_authenticator_app || row.has_passkey,
    isProven: row.proven_mailbox_key === row.email_key,
    hasOtherAccounts: row.has_other_accounts,
    memberSince: row.member_since,
    sessionLifetimes: row.session_lifetimes,
  }
}

/**
 * A user with an account, in one query: the named one, else their first account, or another one while they may not act there.
 * Undefined: unknown, or no member of the named account.
 */
export const findUserById = (db: Knex, id: string, accountId?: string): Promise<Found> =>
  findIn(db, id, accountId === undefined ? undefined : { id: accountId, isFixed: true })

/**
 * A user as they act in a session: in its account, or, when it is not fixed and they are no active member there any more, in another
 * account of theirs. Undefined: unknown, no member of the fixed account, or only of accounts that need a proof of the mailbox.
 */
export const findUserOfSession = (db: Knex, id: string, account: SessionAccount | undefined): Promise<Found> =>
  findIn(db, id, account, true)

/** Users, sorted by email address. */
export async function listUsers(db: Knex, filter: { accountId?: string } = {}): Promise<User[]> {
  const query = db('users').select(userColumns(db)).orderBy('email_key')
  if (filter.accountId) query.where('account_id', filter.accountId)
  return (await query).map(toUser)
}

/**
 * Locks a user exclusively and returns them; issuing tokens for them waits.
 * @throws KeywrightError `not_found`, `conflict` (the user is being deleted)
 */
export async function lockUser(trx: Knex, idOrEmail: string): Promise<User> {
  const { id } = await findUser(trx, idOrEmail)
  await lockUserExclusive(trx, id)
  const row: UserRow | undefined = await trx('users').where({ id }).forNoKeyUpdate().first(userColumns(trx))
  if (!row) throw notFound('user', idOrEmail)
  if (row.status === 'deleting') throw new KeywrightError('conflict', 'the user is being deleted')
  return toUser(row)
}

/**
 * SQL: now, for a column of `users` whose values are compared for equality, in milliseconds: never the present value. Not `now()`,
 * because the transaction may have begun long before it got the row lock.
 */
export const changedNow = (trx: Knex, column: 'sessions_valid_from' | 'password_changed_at'): Knex.Raw =>
  trx.raw(`greatest(clock_timestamp(), ?? + interval '1 millisecond')`, [column])

export const untilNow = (trx: Knex) => ({ sessions_valid_from: changedNow(trx, 'sessions_valid_from') })

/** The columns of these attributes, and the key of the address. */
export const profileColumns = (profile: Partial<Profile>): AttributeRow => ({
  ...toColumns(PROFILE_ATTRIBUTES, profile),
  ...(profile.email !== undefined && { email_key: emailKey(profile.email) }),
})

/** Changes a user on behalf of somebody else, which increases the revision. */
export async function changeUser(trx: Knex, id: string, change: Record<string, unknown>): Promise<User> {
  const columns = { ...change, revision: trx.raw('revision + 1') }
  const [row] = await trx('users')
    .where({ id })
    .update(columns)
    .returning<UserRow[]>(userColumns(trx) as never)
  return toUser(row!)
}

/** The audit event of a change of a user. @param personal what describes the user: erased when the user is deleted */
export const userEntry = (
  action: string,
  user: User,
  detail: Record<string, unknown> = {},
  personal?: Record<string, unknown>,
): AuditEntry => ({
  action,
  target: { type: 'user', id: user.id },
  accountId: user.accountId,
  detail,
  ...(personal && { personal }),
})
