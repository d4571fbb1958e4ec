import type { Knex } from 'knex'

/** Seconds in which a redeemed token shown again is taken for a retry after a lost answer, and answered the same. */
export const RETRY_GRACE = 30

/** Ends a refresh token and every access token that came of it. */
export async function revokeGrant(trx: Knex, grantId: string): Promise<number> {
  await trx('refresh_tokens').where({ grant_id: grantId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
  return await trx('access_tokens')
    .where({ grant_id: grantId })
    .whereNull('revoked_at')
    .update({ revoked_at: trx.fn.now() })
}

/** Wipes answers whose grace has passed, and deletes refresh tokens that have expired or were revoked a day ago; answers how many of whichever were more. */
export async function sweepRefreshTokens(db: Knex, limit: number): Promise<number> {
  const wiped = await db.raw(
    `UPDATE refresh_tokens SET answer = NULL WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE answer IS NOT NULL AND turned_at < now() - make_interval(secs => ?) LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [RETRY_GRACE * 2, limit],
  )
  const deleted = await db.raw(
    `DELETE FROM refresh_tokens WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE expires_at < now() OR revoked_at < now() - interval '1 day' LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return Math.max(wiped.rowCount, deleted.rowCount)
}
