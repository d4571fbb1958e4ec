import type { Knex } from 'knex'
import { emailKey } from '../shared/email-addresses.ts'
import { isId } from '../shared/ids.ts'
import { lockUserExclusive } from './user-locks.ts'
import { toUser, type User, type UserRow, type UserWithAccountRow, usersWithAccount } from './users.ts'

/** What a person proves themselves by. */
export interface Credentials {
  readonly user: User
  /** Neither they nor their account is switched off. */
  readonly mayAct: boolean
  /** Null: they have no password, and cannot sign in. */
  readonly passwordHash: string | null
  /** The password was given for once, and is to be replaced by one of their own. */
  readonly passwordChangeRequired: boolean
  /** Null: never yet. */
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
 * As they are, and stay until the transaction ends: whoever changes the person waits, and so does whoever switches their
 * account off, because that changes the rows of its people too.
 */
export async function lockCredentials(trx: Knex, userId: string): Promise<Credentials | undefined> {
  await lockUserExclusive(trx, userId)
  await trx('users').where({ id: userId }).forNoKeyUpdate().select('id')
  return await findCredentialsById(trx, userId)
}

/** Whether the password is still the one it was; its hash may have been renewed meanwhile. */
export const isSamePassword = (a: Credentials, b: Credentials): boolean =>
  Number(a.passwordChangedAt) === Number(b.passwordChangedAt)

/** The same password under a new hash. */
export async function saveRenewedHash(trx: Knex, held: Credentials, passwordHash: string): Promise<Credentials> {
  await trx('users').where({ id: held.user.id }).update({ password_hash: passwordHash })
  return { ...held, passwordHash }
}

/** Another password, which ends the sessions that were begun with the former one. */
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
