import type { Knex } from 'knex'
import { markUserDeleting } from '../accounts/user-access.ts'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { findUserById, type User, userEntry } from '../accounts/users.ts'
import { eraseUserFromAudit } from '../audit/audit-erasure.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { markClientsDeleting } from '../clients/client-deletions.ts'
import { lockClientsExclusive } from '../clients/client-locks.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { deleteSomeOfClient } from './client-deletion.ts'

/** What a user has in other tables. Each condition has an index. */
const PARTS = [
  ['refresh_tokens', `subject = :user AND subject <> ''`],
  ['consents', 'given_by = CAST(:user AS uuid)'],
  ['mail_messages', 'user_id = CAST(:user AS uuid)'],
  ['mail_links', 'user_id = CAST(:user AS uuid)'],
  ['engine_models', 'user_id = CAST(:user AS uuid)'],
] as const

async function deleteParts(trx: Knex, user: string, limit: number): Promise<void> {
  for (const [table, condition] of PARTS) {
    await trx.raw(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE ${condition} LIMIT :limit FOR UPDATE SKIP LOCKED))`,
      { user, limit },
    )
  }
}

/** Applications that the user added stay. */
async function leaveApplications(trx: Knex, user: string, limit: number): Promise<void> {
  await lockClientsExclusive(trx, 'created_by', user)
  await trx.raw(
    `UPDATE clients SET created_by = NULL
      WHERE id IN (SELECT id FROM clients WHERE created_by = ? ORDER BY id LIMIT ? FOR UPDATE)`,
    [user, limit],
  )
}

async function hasParts(trx: Knex, user: string): Promise<boolean> {
  const parts = [...PARTS, ['clients', 'user_id = CAST(:user AS uuid) OR created_by = CAST(:user AS uuid)'] as const]
  const exist = parts.map(([table, condition]) => `EXISTS (SELECT 1 FROM ${table} WHERE ${condition})`)
  const { rows } = await trx.raw(`SELECT ${exist.join(' OR ')} AS remain`, { user })
  return rows[0].remain
}

/** Deletes the key pairs of a user, also those that were replaced. */
async function deleteKeyPairs(knex: Knex, user: string, limit: number): Promise<void> {
  await knex.transaction((trx) => markClientsDeleting(trx, 'user_id', user))
  const keys: number[] = await knex('clients').where({ user_id: user }).orderBy('id').limit(limit).pluck('id')
  for (const key of keys) await deleteSomeOfClient(knex, key, limit)
}

async function deleteRow(trx: Knex, id: string): Promise<void> {
  await lockUserExclusive(trx, id)
  await trx('users').where({ id, status: 'deleting' }).delete()
}

/**
 * Deletes at most `limit` rows of each table that belong to a user with the status `deleting`. When none is left, erases the user
 * in the audit log and deletes the user. Returns whether the user is deleted.
 */
export async function deleteSomeOfUser(knex: Knex, id: string, limit: number): Promise<boolean> {
  await deleteKeyPairs(knex, id, limit)
  const remain = await knex.transaction(async (trx) => {
    await trx.raw('SET LOCAL enable_seqscan = off')
    await deleteParts(trx, id, limit)
    await leaveApplications(trx, id, limit)
    return await hasParts(trx, id)
  })
  if (remain) return false
  await eraseUserFromAudit(knex, id, limit)
  await knex.transaction((trx) => deleteRow(trx, id))
  return true
}

/** Marks a disabled user as `deleting`. The caller holds the lock of the user. */
export async function markDeleted(trx: Knex, user: User, actor: Actor): Promise<void> {
  await markUserDeleting(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.deleted', user, { role: user.role }))
}

/** @throws KeywrightError `conflict` */
export function checkUserMayBeDeleted({ status }: { readonly status: string }): void {
  if (status === 'active') throw new KeywrightError('conflict', 'the user is active; disable the user first')
}

/**
 * Marks a disabled user as `deleting`, which is final.
 * @throws KeywrightError `not_found`, `conflict` (the user is active)
 */
export async function startUserDeletion(knex: Knex, id: string, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    await lockUserExclusive(trx, id)
    const user = await findUserById(trx, id)
    if (!user) throw notFound('user', id)
    checkUserMayBeDeleted(user)
    if (user.status === 'disabled') await markDeleted(trx, user, actor)
  })
}
