import type { Knex } from 'knex'

/** The column that selects clients: themselves, their owner, their account, or the user who added them. */
export type ClientsOf = 'id' | 'user_id' | 'account_id' | 'created_by'

/** Lock striping: all clients share this many advisory locks, because PostgreSQL's lock table is small. */
export const CLIENT_LOCKS = { namespace: 0x4b57, stripes: 128 } as const

/**
 * Takes the advisory locks of some clients exclusively, before their rows. Shared row locks starve a waiting exclusive
 * lock, so that a client could not be changed while it gets tokens without pause; advisory locks are granted in order.
 * Issuing a token takes the same locks shared (`tokens/`).
 */
export async function lockClientsExclusive(trx: Knex, by: ClientsOf, value: string | number): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock(${CLIENT_LOCKS.namespace}, stripe)
       FROM (SELECT DISTINCT (id % ${CLIENT_LOCKS.stripes})::int AS stripe FROM clients WHERE ?? = ? ORDER BY 1) locks`,
    [by, value],
  )
}

/**
 * Takes the advisory locks of some clients shared, as issuing a token does, and then locks their rows shared: none of them changes
 * until the transaction ends.
 */
export async function lockClientsShared(trx: Knex, keys: readonly number[]): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock_shared(${CLIENT_LOCKS.namespace}, stripe)
       FROM (SELECT DISTINCT (id % ${CLIENT_LOCKS.stripes})::int AS stripe FROM unnest(?::bigint[]) id ORDER BY 1) locks`,
    [keys as number[]],
  )
  await trx.raw('SELECT 1 FROM clients WHERE id = ANY (?::bigint[]) ORDER BY id FOR SHARE', [keys as number[]])
}

/** Takes the advisory locks of all clients exclusively, before the rows of all clients or of an API. */
export async function lockAllClientsExclusive(trx: Knex): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock(${CLIENT_LOCKS.namespace}, stripe) FROM generate_series(0, ${CLIENT_LOCKS.stripes - 1}) stripe`,
  )
}
