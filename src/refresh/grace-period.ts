import type { Knex } from 'knex'
import { secondsAway } from '../database/service-outages.ts'

/** Seconds in which a public client that shows a redeemed token again is taken for one that lost the answer. */
const PUBLIC_GRACE = 30

/** The same after the service was away in between: clients wait longer from try to try. */
const PUBLIC_GRACE_AFTER_OUTAGE = 120

/** The same for a client that authenticates, and the most for any: longer, the answer is not kept. */
export const LONGEST_GRACE = 600

/** A redeemed token that is shown again. */
export interface Retry {
  readonly isPublic: boolean
  /** When it was redeemed, and how many seconds ago, both by the database's clock. */
  readonly redeemedAt: Date
  readonly secondsAgo: number
}

/**
 * Whether a redeemed token may be answered once more as it was the first time. Who authenticates proves that it is the
 * client. For a public client only the time counts in which the service could answer.
 */
export async function isWithinGrace(trx: Knex, { isPublic, redeemedAt, secondsAgo }: Retry): Promise<boolean> {
  if (secondsAgo > LONGEST_GRACE) return false
  if (!isPublic || secondsAgo <= PUBLIC_GRACE) return true
  const away = await secondsAway(trx, redeemedAt)
  return away > 0 && secondsAgo - away <= PUBLIC_GRACE_AFTER_OUTAGE
}
