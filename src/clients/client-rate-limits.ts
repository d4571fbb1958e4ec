import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Database } from '../database/open-database.ts'
import { createRateLimiter } from '../database/rate-limiter.ts'
import { RateLimitedError } from '../shared/errors.ts'
import type { RateLimit } from '../shared/rate-limit-format.ts'

const takeFromBucket = createRateLimiter<number>({ table: 'rate_limits', keyColumn: 'client_id', keyType: 'bigint' })

/**
 * Takes one request from a client's rate limit: a bucket of `count` that refills evenly over `period`, shared by all nodes.
 * @throws RateLimitedError with the seconds until the next request passes
 */
export async function takeFromRateLimit(db: Database, clientKey: number, limit: RateLimit): Promise<void> {
  const bucket = { key: clientKey, burst: limit.count, interval: limit.period / limit.count }
  const taken = await takeFromBucket(db.query, bucket)
  if ('wait' in taken) throw new RateLimitedError(taken.wait)
}

/** Deletes at most `limit` rows of clients that have been below their limits for an hour. */
export const deleteIdleRateLimits = ({ knex }: Database, limit: number): Promise<number> =>
  deleteInBatches(knex, 'rate_limits', `arrival_at < now() - interval '1 hour'`, limit)
