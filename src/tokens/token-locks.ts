import type { Knex } from 'knex'

// Advisory locks are granted in order. Shared row locks starve a waiting exclusive lock, so that a client which exchanges a token without
// pause could keep it from being revoked. A grant has a lock of its own, because it can have more tokens than PostgreSQL has locks.
const NAMESPACE = 0x4b5b

const lockKeys = (lock: string): string =>
  `SELECT count(${lock}(${NAMESPACE}, key)) FROM (SELECT DISTINCT hashtext(id) AS key FROM unnest(?::text[]) id ORDER BY 1) locks`

/**
 * Taken before the rows of tokens on which another will depend: shared with others, and queued behind a waiting revocation.
 * @param ids the tokens' `jti`, and their grants
 */
export async function lockTokensShared(trx: Knex, ids: readonly string[]): Promise<void> {
  await trx.raw(lockKeys('pg_advisory_xact_lock_shared'), [ids as string[]])
}

/**
 * Taken before a token is revoked on its own, or all tokens of a grant. What revokes the tokens of a user or a client waits for the
 * lock of that.
 * @param id the `jti` or the grant
 */
export async function lockTokensExclusive(trx: Knex, id: string): Promise<void> {
  await trx.raw(lockKeys('pg_advisory_xact_lock'), [[id]])
}
