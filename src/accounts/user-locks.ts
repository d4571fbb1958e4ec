import type { Knex } from 'knex'
import type { ClaimSources } from '../shared/declared-claims.ts'

// Advisory locks are granted in order. Shared row locks starve a waiting exclusive lock, so that an application which
// redeems codes without pause could keep its user from withdrawing consent or signing in.
const ACCOUNTS = 0x4b58
const USERS = 0x4b59

const keyOf = (column: string) => `hashtext(${column}::text)`

/** What tokens contain of their user, who is locked. */
export interface LockedUser {
  /** Null: the user is an operator. */
  readonly accountId: string | null
  readonly metadata: Pick<ClaimSources, 'account' | 'user'>
}

/** Taken before issuing a token for a user: shared with other issuers, and queued behind a waiting change of the user. */
export async function lockUserShared(trx: Knex, userId: string): Promise<void> {
  await trx.raw(
    `SELECT pg_advisory_xact_lock_shared(${ACCOUNTS}, ${keyOf('account_id')}),
            pg_advisory_xact_lock_shared(${USERS}, ${keyOf('id')})
       FROM users WHERE id = ?`,
    [userId],
  )
}

/** Taken before changing a user, before the first lock on their row. */
export async function lockUserExclusive(trx: Knex, userId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${USERS}, ${keyOf('?')})`, [userId])
}

/** Taken before changing an account with all its users, before the first lock on its row. */
export async function lockAccountExclusive(trx: Knex, accountId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${ACCOUNTS}, ${keyOf('?')})`, [accountId])
}
