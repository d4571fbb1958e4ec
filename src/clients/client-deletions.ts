import type { Knex } from 'knex'
import { type ClientsOf, lockClientsExclusive } from './client-locks.ts'

/** Marks a client, whose advisory lock the caller holds. Revokes the tokens of an active one, as `setClientStatus` does. */
export async function markClientDeleting(trx: Knex, clientKey: number): Promise<void> {
  await trx('clients')
    .where({ id: clientKey })
    .update({ status: 'deleting', deactivated_at: trx.fn.now(), version: trx.raw('version + 1') })
}

/** Marks clients that are not replaced, as `markClientDeleting` does. */
export async function markClientsDeleting(trx: Knex, by: ClientsOf, value: string): Promise<void> {
  await lockClientsExclusive(trx, by, value)
  const keys: number[] = await trx('clients')
    .where({ [by]: value })
    .whereNotIn('status', ['deleting', 'replaced'])
    .orderBy('id')
    .forUpdate()
    .pluck('id')
  for (const key of keys) await markClientDeleting(trx, key)
}

/** Deletes at most `limit` keys of deleted clients whose tokens have all expired. */
export async function deleteOldClientKeys(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM deleted_clients WHERE id IN (
       SELECT id FROM deleted_clients WHERE deleted_at < now() - interval '40 days' LIMIT ?)`,
    [limit],
  )
  return rowCount
}
