import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { generateSecret } from '../shared/secrets.ts'
import { getAccount } from './accounts.ts'
import { hashPassword } from './passwords.ts'
import { awaitPersonsTurn } from './person-turns.ts'

export type Role = 'operator' | 'admin' | 'member'

export interface User {
  readonly id: string
  /** Null for an operator, who belongs to no account. */
  readonly accountId: string | null
  readonly email: string
  readonly emailVerified: boolean
  /** As they are called; null where only the address is known. */
  readonly name: string | null
  readonly role: Role
  readonly status: 'active' | 'disabled'
  /** When what applications are told of them last changed. */
  readonly updatedAt: Date
  /** A session that began earlier has ended. */
  readonly sessionsValidFrom: Date
}

/** Null for an operator. */
export interface AccountOfUser {
  readonly accountStatus: 'active' | 'disabled' | null
  readonly accountName: string | null
}

/** Neither they nor their account is switched off. */
export const mayAct = ({ status, accountStatus }: User & AccountOfUser): boolean =>
  status === 'active' && accountStatus !== 'disabled'

export interface UserRow {
  id: string
  account_id: string | null
  email: string
  email_verified: boolean
  name: string | null
  role: Role
  status: User['status']
  updated_at: Date
  sessions_valid_from: Date
}

export interface UserWithAccountRow extends UserRow {
  account_status: AccountOfUser['accountStatus']
  account_name: string | null
}

export const toUser = (row: UserRow): User => ({
  id: row.id,
  accountId: row.account_id,
  email: row.email,
  emailVerified: row.email_verified,
  name: row.name,
  role: row.role,
  status: row.status,
  updatedAt: row.updated_at,
  sessionsValidFrom: row.sessions_valid_from,
})

/** Every column of people, with the standing and name of their account. */
export const usersWithAccount = (db: Knex) =>
  db('users')
    .leftJoin('accounts', 'accounts.id', 'users.account_id')
    .select('users.*', 'accounts.status AS account_status', 'accounts.name AS account_name')

function checkedEmail(email: string): string {
  const trimmed = email.trim()
  if (trimmed.length > 254 || !/^[^\s@\0]+@[^\s@\0]+$/.test(trimmed))
    throw invalidInput(`not an email address: ${email}`)
  return trimmed
}

function checkedName(name: string | undefined): string | null {
  const trimmed = name?.trim() ?? ''
  if ([...trimmed].length > 200 || trimmed.includes('\0'))
    throw invalidInput("a person's name has at most 200 characters")
  return trimmed || null
}

/**
 * Adds a person with a one-time password, to be changed at the first sign-in.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (the address is taken)
 */
export async function createUser(
  db: Knex,
  person: { email: string; role: Role; accountId: string | null; name?: string },
): Promise<{ user: User; password: string }> {
  if ((person.role === 'operator') !== (person.accountId === null)) {
    throw invalidInput('an operator belongs to no account; an admin or member belongs to one')
  }
  if (person.accountId !== null) await getAccount(db, person.accountId)
  const password = generateSecret('password')
  const row = {
    id: newId(),
    account_id: person.accountId,
    email: checkedEmail(person.email),
    name: checkedName(person.name),
    role: person.role,
    password_hash: await hashPassword(password),
  }
  try {
    const [created] = await db('users').insert(row).returning<UserRow[]>('*')
    return { user: toUser(created!), password }
  } catch (error) {
    if (isUniqueViolation(error, 'users_email_unique')) {
      throw new KeywrightError('conflict', `there is already a user ${row.email}`, { cause: error })
    }
    throw error
  }
}

/** @throws KeywrightError `not_found` */
export async function findUser(db: Knex, idOrEmail: string): Promise<User> {
  const row = isId(idOrEmail)
    ? await db<UserRow>('users').where({ id: idOrEmail }).first()
    : await db<UserRow>('users')
        .whereRaw('lower(email) = lower(?)', [idOrEmail.replaceAll('\0', '')])
        .first()
  if (!row) throw notFound('user', idOrEmail)
  return toUser(row)
}

/** One who may have been removed meanwhile, with their account, in one query. */
export async function findUserById(db: Knex, id: string): Promise<(User & AccountOfUser) | undefined> {
  const row: UserWithAccountRow | undefined = isId(id)
    ? await usersWithAccount(db).where('users.id', id).first()
    : undefined
  return row && { ...toUser(row), accountStatus: row.account_status, accountName: row.account_name }
}

/** In the order of their addresses. */
export async function listUsers(db: Knex, filter: { accountId?: string } = {}): Promise<User[]> {
  const query = db<UserRow>('users').orderByRaw('lower(email)')
  if (filter.accountId) query.where('account_id', filter.accountId)
  return (await query).map(toUser)
}

/** The user, with everything that is done in their name waiting. @throws KeywrightError `not_found` */
export async function lockUser(trx: Knex, idOrEmail: string): Promise<User> {
  const { id } = await findUser(trx, idOrEmail)
  await awaitPersonsTurn(trx, id)
  const row = await trx<UserRow>('users').where({ id }).forUpdate().first()
  if (!row) throw notFound('user', idOrEmail)
  return toUser(row)
}

// Of the statement's moment, not the transaction's: that may have begun long before the row's lock was had.
const untilNow = (trx: Knex) => ({ sessions_valid_from: trx.raw('clock_timestamp()') })

/**
 * Ends their sessions both ways: one that was begun while the switching off was being written down must not wake up again
 * with the switching on.
 */
export async function setUserStatus(trx: Knex, id: string, status: User['status']): Promise<User> {
  const [row] = await trx('users')
    .where({ id })
    .update({ status, ...untilNow(trx) })
    .returning<UserRow[]>('*')
  return toUser(row!)
}

export async function endSessionsOfAccount(trx: Knex, accountId: string): Promise<void> {
  await trx('users').where({ account_id: accountId }).update(untilNow(trx))
}
