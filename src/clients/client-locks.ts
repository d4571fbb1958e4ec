import type { Knex } from 'knex'

/** By what clients are meant: themselves, their owner, or their account. */
export type ClientsOf = 'id' | 'user_id' | 'account_id'

/** Advisory locks are few, so clients share them: so many for all clients, whatever their number. */
export const CLIENT_LOCKS = { namespace: 0x4b57, stripes: 128 } as const

/**
 * Queues up before the rows of some clients. Share locks on a row let each other in past whoever waits to change it, so
 * under a storm of issuance a replacement might wait for ever; advisory locks are served in order. Issuers take the same
 * locks shared (`tokens/ledger.ts`).
 */
export async function lockClientsExclusive(trx: Knex, by: ClientsOf, value: string | number): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock(${CLIENT_LOCKS.namespace}, stripe)
       FROM (SELECT DISTINCT (id % ${CLIENT_LOCKS.stripes})::int AS stripe FROM clients WHERE ?? = ? ORDER BY 1) locks`,
    [by, value],
  )
}

/** The same before the rows of all clients, or of an API. */
export async function lockAllClientsExclusive(trx: Knex): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock(${CLIENT_LOCKS.namespace}, stripe) FROM generate_series(0, ${CLIENT_LOCKS.stripes - 1}) stripe`,
  )
}
