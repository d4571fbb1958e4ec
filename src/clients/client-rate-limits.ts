import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Database } from '../database/open-database.ts'
import { RateLimitedError } from '../shared/errors.ts'
import type { RateLimit } from '../shared/rate-limit-format.ts'

export { formatRateLimit, parseRateLimit, type RateLimit } from '../shared/rate-limit-format.ts'

// The commit does not wait for the disk or a standby: after a crash a client has a few requests more, while a standby that
// is missing would otherwise hold up every limited request. The clock is read after the row's lock was waited for (now() would be the statement's start), so that concurrent
// requests on any number of nodes take their turns one by one.
const TAKE = `
  INSERT INTO rate_limits AS r (client_id, arrival_at)
  SELECT $1::bigint, clock_timestamp() + make_interval(secs => $2) FROM set_config('synchronous_commit', 'off', true)
  ON CONFLICT (client_id) DO UPDATE
     SET arrival_at = greatest(r.arrival_at, clock_timestamp()) + make_interval(secs => $2)
   WHERE greatest(r.arrival_at, clock_timestamp()) + make_interval(secs => $2)
         <= clock_timestamp() + make_interval(secs => $3)
  RETURNING 1`

const WAIT = `
  SELECT extract(epoch FROM arrival_at + make_interval(secs => $2) - make_interval(secs => $3) - clock_timestamp())::float8
         AS seconds
    FROM rate_limits WHERE client_id = $1`

/**
 * Takes one request from a client's allowance: a bucket of `count` that refills evenly over `period` (the generic cell
 * rate algorithm), one for all nodes.
 * @throws RateLimitedError with the seconds until the next request would pass
 */
export async function takeFromRateLimit(db: Database, clientKey: number, limit: RateLimit): Promise<void> {
  const values = [clientKey, limit.period / limit.count, limit.period]
  if ((await db.query({ name: 'rate-limit-take', text: TAKE, values })).length > 0) return
  const [wait] = await db.query<{ seconds: number }>({ name: 'rate-limit-wait', text: WAIT, values })
  throw new RateLimitedError(Math.max(1, Math.ceil(wait?.seconds ?? 1)))
}

/** Deletes at most `limit` rows of clients that have long been within their limits. */
export const deleteIdleRateLimits = ({ knex }: Database, limit: number): Promise<number> =>
  deleteInBatches(knex, 'rate_limits', `arrival_at < now() - interval '1 hour'`, limit)
