import type { Knex } from 'knex'

// Advisory locks are granted in order. Shared row locks starve a waiting exclusive lock, so that a client which exchanges a token without
// pause could keep it from being revoked. All tokens share these locks, because a grant can have more tokens than PostgreSQL has locks.
const TOKENS = { namespace: 0x4b5b, stripes: 128 } as const

const lockKeys = (lock: string, keys: string): string =>
  `SELECT count(${lock}(${TOKENS.namespace}, stripe))
     FROM (SELECT DISTINCT hashtext(jti::text) & ${TOKENS.stripes - 1} AS stripe FROM ${keys} ORDER BY 1) locks`

/** Taken before the rows of tokens on which another will depend: shared with others, and queued behind a waiting revocation. */
export async function lockTokensShared(trx: Knex, jtis: readonly string[]): Promise<void> {
  await trx.raw(lockKeys('pg_advisory_xact_lock_shared', 'unnest(?::uuid[]) AS given(jti)'), [jtis as string[]])
}

/** Taken before a token is revoked on its own. What revokes tokens of a user or a client waits for the lock of that. */
export async function lockTokenExclusive(trx: Knex, jti: string): Promise<void> {
  await trx.raw(lockKeys('pg_advisory_xact_lock', '(VALUES (?::uuid)) AS given(jti)'), [jti])
}

/** Taken before the tokens of a grant are revoked. */
export async function lockTokensOfGrantExclusive(trx: Knex, grantId: string): Promise<void> {
  await trx.raw(
    lockKeys(
      'pg_advisory_xact_lock',
      '(SELECT jti FROM access_tokens WHERE grant_id = ? AND revoked_at IS NULL) given',
    ),
    [grantId],
  )
}
