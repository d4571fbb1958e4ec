import type { Knex } from 'knex'
import { secondsAway } from '../database/service-outages.ts'

/**
 * The grace period of refresh token rotation, in seconds: within it, a client that presents the redeemed refresh token again
 * gets the same response, because it may have lost the first one. This one is for public clients.
 */
const PUBLIC_GRACE_PERIOD = 30

/** Seconds. For public clients after an outage: clients wait longer from one retry to the next. */
const PUBLIC_GRACE_PERIOD_AFTER_OUTAGE = 120

/** Seconds. For confidential clients, and the longest for any client: the response is not stored longer. */
export const LONGEST_GRACE_PERIOD = 600

/** A redeemed refresh token that is presented again. */
export interface Retry {
  readonly isPublic: boolean
  /** By the database's clock, like `secondsAgo`. */
  readonly redeemedAt: Date
  readonly secondsAgo: number
}

/**
 * Whether a redeemed refresh token that is presented again gets the same response. A confidential client has authenticated, so
 * a thief cannot be meant. A public client has a short grace period, in which the time of outages does not count.
 */
export async function isWithinGracePeriod(trx: Knex, { isPublic, redeemedAt, secondsAgo }: Retry): Promise<boolean> {
  if (secondsAgo > LONGEST_GRACE_PERIOD) return false
  if (!isPublic || secondsAgo <= PUBLIC_GRACE_PERIOD) return true
  const outage = await secondsAway(trx, redeemedAt)
  return outage > 0 && secondsAgo - outage <= PUBLIC_GRACE_PERIOD_AFTER_OUTAGE
}
