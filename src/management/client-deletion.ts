import type { Knex } from 'knex'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { markClientDeleting } from '../clients/client-deletions.ts'
import { lockClientsExclusive } from '../clients/client-locks.ts'
import { type Client, clientEntry, getClient } from '../clients/clients.ts'
import { KeywrightError } from '../shared/errors.ts'

/** What is deleted before the client, in the order in which a redemption locks it. Each has an index on `client_id`. */
const PARTS = ['consents', 'refresh_tokens', 'client_callers', 'refusal_samples'] as const

async function deletePart(trx: Knex, table: string, clientKey: number, limit: number): Promise<number> {
  const { rowCount } = await trx.raw(
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ${table} WHERE client_id = ? LIMIT ? FOR UPDATE SKIP LOCKED))`,
    [clientKey, limit],
  )
  return rowCount
}

/** Whether a part remains, for example a row that another transaction has locked. */
async function hasParts(trx: Knex, clientKey: number): Promise<boolean> {
  const parts = PARTS.map((table) => `EXISTS (SELECT 1 FROM ${table} WHERE client_id = :key)`)
  const { rows } = await trx.raw(`SELECT ${parts.join(' OR ')} AS remain`, { key: clientKey })
  return rows[0].remain
}

/** Deletes the row, and its secrets and APIs with it. Its key, kind and account stay in `deleted_clients`. */
export async function deleteRow(trx: Knex, clientKey: number): Promise<void> {
  // A token request that has read the client waits, or has recorded its token: the token is inactive without the client.
  await lockClientsExclusive(trx, 'id', clientKey)
  await trx.raw(
    `WITH deleted AS (DELETE FROM clients WHERE id = ? AND status IN ('deleting', 'replaced') RETURNING id, client_id, kind, account_id)
     INSERT INTO deleted_clients (id, client_id, kind, account_id) SELECT id, client_id, kind, account_id FROM deleted`,
    [clientKey],
  )
}

/**
 * Deletes at most `limit` rows of each table that belong to a client with the status `deleting`, or to a replaced key pair; deletes the
 * client when none is left. Returns whether the client is deleted.
 */
export async function deleteSomeOfClient(knex: Knex, clientKey: number, limit: number): Promise<boolean> {
  return await knex.transaction(async (trx) => {
    // A scan of the table would read the rows that earlier batches deleted again and again.
    await trx.raw('SET LOCAL enable_seqscan = off')
    for (const table of PARTS) await deletePart(trx, table, clientKey, limit)
    if (await hasParts(trx, clientKey)) return false
    await deleteRow(trx, clientKey)
    return true
  })
}

/** The audit event. The name is gone with the client. */
export const deletedClientEntry = (client: Client): AuditEntry =>
  clientEntry('client.deleted', client, client.kind === 'application' ? { name: client.name } : {})

/** @throws KeywrightError `conflict` */
export function checkMayBeDeleted({ clientId, kind, status }: Client): void {
  const conflict = (message: string) => new KeywrightError('conflict', message)
  if (kind === 'key_pair') throw conflict('a key pair is deleted with its owner; stop it instead')
  if (kind === 'api') throw conflict('the client of an API is deleted with the API')
  if (status === 'active') throw conflict(`${clientId} is active; archive it before you delete it`)
}

/**
 * Marks an archived application as `deleting`, which is final.
 * @throws KeywrightError `not_found`, `conflict` (not archived, or no application)
 */
export async function startClientDeletion(knex: Knex, clientId: string, actor: Actor): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const { key } = await getClient(trx, clientId)
    await lockClientsExclusive(trx, 'id', key)
    const client = await getClient(trx, clientId)
    checkMayBeDeleted(client)
    if (client.status === 'deleting') return client
    await markClientDeleting(trx, key)
    await recordAudit(trx, actor, deletedClientEntry(client))
    return client
  })
}
