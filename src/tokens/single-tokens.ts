import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'

/**
 * Deletes at most `limit` rows of `single_tokens` that have outlived every token that they revoked. A later token of the same
 * client, subject and API inserts a new row; its sequence is the time, and so is greater than every earlier sequence.
 */
export const deleteExpiredSingleTokens = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'single_tokens', `expires_at < now() - interval '1 hour'`, limit)
