import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'

/**
 * Deletes at most `limit` slots that have outlived every token that they revoked. A later token starts the slot again above
 * every earlier sequence: a new slot's sequence is the time.
 */
export const deleteExpiredSingleTokens = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'single_tokens', `expires_at < now() - interval '1 hour'`, limit)
