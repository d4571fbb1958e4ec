import type { Knex } from 'knex'

/**
 * Deletes at most `limit` slots that have outlived every token that they revoked. A later token starts the slot again above
 * every earlier generation: a new slot's generation is the time.
 */
export async function sweepSlots(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM token_slots WHERE (client_id, api_id, subject) IN (
       SELECT client_id, api_id, subject FROM token_slots
        WHERE expires_at < now() - interval '1 hour' LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
