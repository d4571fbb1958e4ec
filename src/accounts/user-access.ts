import type { Knex } from 'knex'
import type { SettableStatus } from './account-attributes.ts'
import { sessionsOfMembershipEnd } from './memberships.ts'
import { oneTimePasswordColumns, type StoredOneTimePassword } from './one-time-passwords.ts'
import { changedNow, changeUser, type User, untilNow } from './users.ts'

/**
 * Revokes the user's sessions with either status: a session that began while the user was being disabled must not become
 * valid when they are enabled. An enabled user who is disabled in every account is enabled in these, too.
 */
export async function saveUserStatus(trx: Knex, id: string, status: SettableStatus): Promise<User> {
  const user = await changeUser(trx, id, { status, ...untilNow(trx) })
  const memberships = trx('memberships').where({ user_id: id })
  const hasActive = memberships.clone().where({ status: 'active' }).select(trx.raw('1'))
  if (status === 'active') await memberships.clone().whereNotExists(hasActive).update({ status })
  return user
}

/** Ends the sessions too, as `saveUserStatus` does. */
export async function markUserDeleting(trx: Knex, id: string): Promise<void> {
  await changeUser(trx, id, { status: 'deleting', ...untilNow(trx) })
}

/**
 * Stores a one-time password, or none (null), and revokes the sessions that began with the previous password. From now on somebody else
 * than the owner of the address may be able to sign in.
 */
export async function setOneTimePassword(trx: Knex, id: string, password: StoredOneTimePassword | null): Promise<User> {
  const since = changedNow(trx, 'password_changed_at')
  const state = { password_change_required: true, password_changed_at: since, proven_mailbox_key: null }
  return await changeUser(trx, id, { ...oneTimePasswordColumns(password), ...state, ...untilNow(trx) })
}

/** Revokes the sessions of a user. What applications hold for the user stays. */
export const revokeSessionsOfUser = (trx: Knex, id: string): Promise<User> => changeUser(trx, id, untilNow(trx))

/** Revokes the sessions of users who belong to this account only, and those that are fixed to it. Other sessions go on elsewhere. */
export async function revokeSessionsOfAccount(trx: Knex, accountId: string): Promise<void> {
  await trx('users')
    .where({ account_id: accountId })
    .whereNotExists((others) =>
      others.from('memberships AS n').whereRaw('n.user_id = users.id').whereNot('n.account_id', accountId),
    )
    .update(untilNow(trx))
  await trx('memberships').where({ account_id: accountId }).update(sessionsOfMembershipEnd(trx))
}
