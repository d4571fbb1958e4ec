import type { SessionLifetimes } from '../accounts/session-lifetime-attributes.ts'
import { epochSeconds } from '../shared/clock.ts'
import { INTERACTION_TTL } from './anonymous-storage.ts'

/** Times of a session, in seconds since 1970. */
export interface SessionTimes {
  /** Of the sign-in. */
  readonly loginTs?: number | undefined
  /** Of the last request that was recorded; absent: a node of an earlier version stored the session. */
  readonly lastUsedAt?: number | undefined
  readonly exp?: number | undefined
}

/** Seconds after which the use of a session is recorded again at the latest. */
const RECORDED_EVERY = 300

const latestExpiry = ({ absolute }: SessionLifetimes, { loginTs = 0 }: SessionTimes): number => loginTs + absolute

/** Seconds by which the clocks of two ready nodes differ at most: each is within 30 s of the database's (`checkClock`). */
const CLOCK_DIFFERENCE = 60

/**
 * Whether a session is within both lifetimes as they are set now. One that began later than now is not: by a wrong clock, it would
 * outlast them, and would count as a recent sign-in all the time.
 */
export function isWithinLifetimes(lifetimes: SessionLifetimes, session: SessionTimes): boolean {
  const now = epochSeconds()
  const { loginTs = 0, lastUsedAt = now } = session
  if (loginTs > now + CLOCK_DIFFERENCE) return false
  return latestExpiry(lifetimes, session) > now && lastUsedAt + lifetimes.idle > now
}

/**
 * Seconds for which a session that is used now is stored. It is stored past its expiry for as long as an interaction may
 * refer to it; `isWithinLifetimes` decides whether it is valid.
 */
export function sessionTtl(lifetimes: SessionLifetimes, session: SessionTimes): number {
  const left = latestExpiry(lifetimes, session) - epochSeconds()
  return Math.max(INTERACTION_TTL, Math.min(lifetimes.idle, left))
}

/** Whether the use of a session is recorded now: at most every five minutes, so that few requests write. */
export const isUseRecorded = ({ idle }: SessionLifetimes, { lastUsedAt = 0 }: SessionTimes): boolean =>
  epochSeconds() - lastUsedAt >= Math.min(RECORDED_EVERY, idle / 10)
