import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { CLOCKS_DIFFER } from '../status/status-lists.ts'

/** Deletes at most `limit` rows of exchanged tokens that no resource server accepts any more. */
export const deleteExpiredExchangedTokens = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'exchanged_tokens', `expires_at < now() - interval '${CLOCKS_DIFFER}'`, limit)
