import type { Knex } from 'knex'
import type { SettableStatus } from './account-attributes.ts'
import { changedNow, changeUser, type User, untilNow } from './users.ts'

/**
 * Revokes the user's sessions with either status: a session that began while the user was being disabled must not become
 * valid when they are enabled.
 */
export const saveUserStatus = (trx: Knex, id: string, status: SettableStatus): Promise<User> =>
  changeUser(trx, id, { status, ...untilNow(trx) })

/** Ends the sessions too, as `saveUserStatus` does. */
export async function markUserDeleting(trx: Knex, id: string): Promise<void> {
  await changeUser(trx, id, { status: 'deleting', ...untilNow(trx) })
}

/** Stores a one-time password, or none (null), and revokes the sessions that began with the previous password. */
export async function setOneTimePassword(trx: Knex, id: string, passwordHash: string | null): Promise<User> {
  const since = changedNow(trx, 'password_changed_at')
  const password = { password_hash: passwordHash, password_change_required: true, password_changed_at: since }
  return await changeUser(trx, id, { ...password, ...untilNow(trx) })
}

/** Revokes the sessions of a user. What applications hold for the user stays. */
export const revokeSessionsOfUser = (trx: Knex, id: string): Promise<User> => changeUser(trx, id, untilNow(trx))

export async function revokeSessionsOfAccount(trx: Knex, accountId: string): Promise<void> {
  await trx('users').where({ account_id: accountId }).update(untilNow(trx))
}
