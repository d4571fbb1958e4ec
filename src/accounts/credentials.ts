import type { Knex } from 'knex'
import { emailKey } from '../shared/email-addresses.ts'
import { isId } from '../shared/ids.ts'
import { lockUserExclusive } from './user-locks.ts'
import { toUser, type User, type UserRow, type UserWithAccountRow, usersWithAccount } from './users.ts'

/** A user with their password hash. */
export interface Credentials {
  readonly user: User
  /** The user and their account are active. */
  readonly mayAct: boolean
  /** Null: the user has no password and cannot sign in. */
  readonly passwordHash: string | null
  /** The password is a one-time password, which the user must replace. */
  readonly passwordChangeRequired: boolean
  /** Null: never. */
  readonly passwordChangedAt: Date | null
}

interface CredentialsRow extends UserWithAccountRow {
  password_hash: string | null
  password_change_required: boolean
  password_changed_at: Date | null
}

const toCredentials = (row: CredentialsRow): Credentials => ({
  user: toUser(row),
  mayAct: row.status === 'active' && row.account_status !== 'disabled',
  passwordHash: row.password_hash,
  passwordChangeRequired: row.password_change_required,
  passwordChangedAt: row.password_changed_at,
})

export async function findCredentials(db: Knex, email: string): Promise<Credentials | undefined> {
  const row: CredentialsRow | undefined = await usersWithAccount(db).where('users.email_key', emailKey(email)).first()
  return row && toCredentials(row)
}

export async function findCredentialsById(db: Knex, userId: string): Promise<Credentials | undefined> {
  const row: CredentialsRow | undefined = isId(userId)
    ? await usersWithAccount(db).where('users.id', userId).first()
    : undefined
  return row && toCredentials(row)
}

/**
 * Locks a user until the transaction ends, and reads their credentials. Changes of the user wait, and so does disabling
 * their account, which updates the rows of its users.
 */
export async function lockCredentials(trx: Knex, userId: string): Promise<Credentials | undefined> {
  await lockUserExclusive(trx, userId)
  await trx('users').where({ id: userId }).forNoKeyUpdate().select('id')
  return await findCredentialsById(trx, userId)
}

/** Whether the password is unchanged; its hash may have been renewed. */
export const isSamePassword = (a: Credentials, b: Credentials): boolean =>
  Number(a.passwordChangedAt) === Number(b.passwordChangedAt)

/** Stores a new hash of the same password. */
export async function saveRenewedHash(trx: Knex, locked: Credentials, passwordHash: string): Promise<Credentials> {
  await trx('users').where({ id: locked.user.id }).update({ password_hash: passwordHash })
  return { ...locked, passwordHash }
}

/** Stores a new password, and revokes the sessions that began with the previous one. */
export async function savePassword(trx: Knex, userId: string, passwordHash: string): Promise<User> {
  const change = {
    password_hash: passwordHash,
    password_change_required: false,
    password_changed_at: trx.raw('clock_timestamp()'),
    sessions_valid_from: trx.raw('clock_timestamp()'),
  }
  const [row] = await trx('users').where({ id: userId }).update(change).returning<UserRow[]>('*')
  return toUser(row!)
}
