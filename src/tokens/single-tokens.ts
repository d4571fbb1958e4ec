import type { Knex } from 'knex'
import { sweepPages } from '../database/delete-in-batches.ts'

/**
 * Deletes at most `limit` slots that have outlived every token that they revoked. A later token starts the slot again above
 * every earlier generation: a new slot's generation is the time.
 */
export const sweepSlots = (db: Knex, limit: number): Promise<number> =>
  sweepPages(db, 'token_slots', `expires_at < now() - interval '1 hour'`, limit)
