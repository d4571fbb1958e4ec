import type { Knex } from 'knex'
import { recordValues } from './access-token-store.ts'
import { type PlannedToken, StaleClientError } from './issuance.ts'
import { RECORD } from './record-statement.ts'

/** knex takes named parameters by a colon. */
const RECORD_IN_TRANSACTION = RECORD.replaceAll('$1', ':records').replaceAll('$2', ':clients')

/**
 * Records one token inside a transaction.
 * @throws StaleClientError when the client's registration, or the token's list, is no longer what it was
 */
export async function insertInTransaction(trx: Knex, planned: PlannedToken): Promise<void> {
  const [records, clients] = recordValues([planned.record])
  const { rows } = await trx.raw(RECORD_IN_TRANSACTION, { records, clients } as never)
  planned.server.notice(rows[0].server)
  if (rows[0].recorded === null) throw new StaleClientError()
}
