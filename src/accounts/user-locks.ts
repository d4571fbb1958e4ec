import type { Knex } from 'knex'

// Advisory locks are served in order. Share locks on a row are not: they let each other in past whoever waits to change
// it, so that an application which redeems without end could keep its person from withdrawing, or from signing in.
const ACCOUNTS = 0x4b58
const PEOPLE = 0x4b59

const keyOf = (column: string) => `hashtext(${column}::text)`

/** Of one who issues in a person's name: beside others like it, and behind whoever waits to change the person. */
export async function lockUserShared(trx: Knex, userId: string): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock_shared(${ACCOUNTS}, ${keyOf('account_id')}),
            pg_advisory_xact_lock_shared(${PEOPLE}, ${keyOf('id')})
       FROM users WHERE id = ?`,
    [userId],
  )
}

/** Of one who changes a person, before the first lock on their row. */
export async function lockUserExclusive(trx: Knex, userId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${PEOPLE}, ${keyOf('?')})`, [userId])
}

/** Of one who changes an account with all its people, before the first lock on its row. */
export async function lockAccountExclusive(trx: Knex, accountId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${ACCOUNTS}, ${keyOf('?')})`, [accountId])
}
