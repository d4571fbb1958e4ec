import type { Knex } from 'knex'
import type { PlannedToken } from './issuance.ts'
import { RECORD, recordValues } from './ledger.ts'

/** Signals that a transaction found a stale registration and took back what it had done. */
class StaleRegistration extends Error {}

/** knex takes named parameters by a colon. */
const RECORD_IN_TRANSACTION = RECORD.replaceAll('$1', ':records').replaceAll('$2', ':clients')

/** Records one token inside a transaction, which ends when the client's registration is no longer what it was. */
export async function recordWithin(trx: Knex, planned: PlannedToken): Promise<void> {
  const [records, clients] = recordValues([planned.record])
  const { rows } = await trx.raw(RECORD_IN_TRANSACTION, { records, clients } as never)
  if (rows[0].recorded === null) throw new StaleRegistration()
}

/** Undefined when the work was taken back, to be tried again with the client as it is now (`withFreshClient`). */
export async function unlessStale<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StaleRegistration) return undefined
    throw error
  }
}
