import type { Knex } from 'knex'
import type { Context } from 'koa'
import { takeFrom } from '../accounts/sign-in-limits.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { ApiCaller } from './callers.ts'
import { ProblemError } from './problems.ts'

/** The burst that a caller may send at once; afterwards one request per `INTERVAL` seconds. */
const BURST = 600
const INTERVAL = 0.1

/** The value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). */
const POLICY = `"caller";q=${BURST};w=${BURST * INTERVAL}`

/** One limit per client and user, whatever the token and the node. @throws ProblemError `rate_limited` */
export async function limitRate(ctx: Context, db: Knex, { clientId, subject }: ApiCaller): Promise<void> {
  const key = hashSecret(`management ${clientId} ${subject ?? ''}`)
  const taken = await takeFrom(db, { key, burst: BURST, interval: INTERVAL })
  ctx.set('RateLimit-Policy', POLICY)
  if ('remaining' in taken) return ctx.set('RateLimit', `"caller";r=${taken.remaining};t=${BURST * INTERVAL}`)
  ctx.set('RateLimit', `"caller";r=0;t=${taken.wait}`)
  throw new ProblemError('rate_limited', `too many requests; try again in ${taken.wait} s`, {
    headers: { 'Retry-After': String(taken.wait) },
  })
}
