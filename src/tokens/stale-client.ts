import type { Knex } from 'knex'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { isDeadlock } from '../database/unavailable.ts'
import { KeywrightError } from '../shared/errors.ts'

/** How often a client's registration may change during one request. */
const ATTEMPTS = 4

/**
 * Retries an attempt that found the client stale: its registration, its API or the token's status list changed after they
 * were read. Each retry authenticates the client again, with its present registration.
 * @param attempt returns undefined when the client is stale; it must have changed nothing then
 * @throws KeywrightError `unavailable` after the last attempt, `invalid_client` when the client no longer authenticates
 */
export async function retryOnStaleClient<T>(
  client: AuthenticatedClient,
  attempt: (client: AuthenticatedClient) => Promise<T | undefined>,
): Promise<T> {
  let current = client
  for (let n = 0; n < ATTEMPTS; n++) {
    const result = await attempt(current)
    if (result !== undefined) return result
    current = await current.renew()
  }
  throw new KeywrightError('unavailable', 'the client is being changed; try again')
}

/** Runs `work` in a transaction. When `work` returns undefined, rolls back and returns undefined: the client is stale. */
export async function rollBackIfStale<T>(
  knex: Knex,
  work: (trx: Knex.Transaction) => Promise<T | undefined>,
): Promise<T | undefined> {
  const transaction = knex.transaction(async (trx) => {
    const result = await work(trx)
    if (result === undefined) await trx.rollback()
    return result
  })
  // Knex rejects with undefined when a ROLLBACK without an error gets no answer within five seconds.
  return await transaction.catch((error) => {
    if (error !== undefined) throw error
    return undefined
  })
}

/** As `rollBackIfStale`. Undefined also after a deadlock: the transaction conflicted with another one. */
export async function rollBackIfStaleOrDeadlocked<T>(
  knex: Knex,
  work: (trx: Knex.Transaction) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await rollBackIfStale(knex, work)
  } catch (error) {
    if (isDeadlock(error)) return undefined
    throw error
  }
}
