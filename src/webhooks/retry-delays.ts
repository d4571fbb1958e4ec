const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Seconds from each failed attempt to the next one: together about five days and nine hours. */
const DELAYS = [5, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, DAY, DAY, 12 * HOUR]

/** A receiver that failed for so many days, without a success between, is disabled. */
export const DAYS_OF_FAILURE = 5

/** Of the delay, in both directions: receivers that failed together are not called together. */
const JITTER = 0.2

/**
 * Seconds until the next attempt; undefined: there is none.
 * @param failed how many attempts have failed
 * @param wanted seconds that the receiver asked for (Retry-After)
 * @param random from 0 to 1
 */
export function retryDelay(failed: number, wanted = 0, random = Math.random()): number | undefined {
  const delay = DELAYS[failed - 1]
  if (delay === undefined) return undefined
  return Math.max(delay * (1 + JITTER * (2 * random - 1)), Math.min(wanted, DAY))
}

/** Seconds of a Retry-After header (RFC 9110, section 10.2.3); 0 without one, or with a date. */
export const secondsIn = (retryAfter: string | null): number =>
  retryAfter !== null && /^\d{1,7}$/.test(retryAfter) ? Number(retryAfter) : 0
