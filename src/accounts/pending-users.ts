import type { Knex } from 'knex'
import { addressKeyOf } from '../database/address-keys.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { hashSecret, isWellFormedSecret } from '../shared/secrets.ts'

/*
 * A pending user is a row that stands in for a person who has a user elsewhere, until they join with it (ADR 45). The one who added
 * the row must not learn that, so it is like the row of any user who has not signed in. Only the key of its address differs.
 */

/** Pending users with an address who are not being deleted, by an index. */
const pendingWith = (db: Knex, email: string) =>
  db('users')
    .whereRaw(`${addressKeyOf('users')} = ?`, [emailKey(email)])
    .whereNot({ email_key: emailKey(email) })
    .whereNot({ status: 'deleting' })

/** The most pending users with one address that an event without their own credentials concerns. */
const MAX_PENDING = 100

/** A pending user. */
export interface PendingUser {
  readonly id: string
  readonly accountId: string
}

/** The pending users with an address, the one that was added first as the first. */
export async function findPendingUsers(db: Knex, email: string): Promise<PendingUser[]> {
  const query = pendingWith(db, email).orderBy('id').limit(MAX_PENDING)
  return await query.select('id', 'account_id AS accountId')
}

/**
 * The pending user who received this one-time password. Undefined: it is none of a pending user, which takes no query for what is no
 * one-time password at all. The caller verifies the password.
 */
export async function findPendingByPassword(db: Knex, email: string, password: string): Promise<string | undefined> {
  if (!isWellFormedSecret('password', password)) return undefined
  const query = pendingWith(db, email).where({ one_time_password_hash: hashSecret(password) })
  return (await query.first<{ id: string }>('id'))?.id
}

/** Whether no user has the address of this one, so that it can be theirs. */
const isFree = (db: Knex, id: string) =>
  db('users')
    .where({ id })
    .whereRaw(`NOT EXISTS (SELECT FROM users o WHERE o.email_key = ${addressKeyOf('users')})`)

/** Whether the address of a pending user has become free: they sign in like any user. */
export const isAddressFree = async (db: Knex, id: string): Promise<boolean> =>
  (await isFree(db, id).first('id')) !== undefined

/** Makes an ordinary user of a pending one whose address has become free. Returns whether it has. The caller has locked the user. */
export async function takeFreeAddress(trx: Knex, id: string): Promise<boolean> {
  try {
    const taken = await trx.transaction((savepoint) =>
      isFree(savepoint, id).update({ email_key: savepoint.raw(addressKeyOf('users')) }),
    )
    return taken === 1
  } catch (error) {
    // Somebody got the address at this moment.
    if (!isUniqueViolation(error, 'users_email_unique')) throw error
    return false
  }
}

/** Whether a user has signed in or chosen a password: then the address is theirs. */
export async function hasSignedIn(db: Knex, id: string): Promise<boolean> {
  const query = db('users').where({ id }).first('id')
  const row = await query.whereRaw('(last_signed_in_at IS NOT NULL OR NOT password_change_required)')
  return row !== undefined
}
