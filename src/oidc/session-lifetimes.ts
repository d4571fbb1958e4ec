import { epochSeconds } from '../shared/clock.ts'
import { INTERACTION_TTL } from './anonymous-storage.ts'

/** Lifetimes of a browser session, in seconds. */
export interface SessionLifetimes {
  /** After the last request. */
  readonly idle: number
  /** After the sign-in. */
  readonly absolute: number
}

interface SessionTimes {
  /** The time of the sign-in, in seconds since 1970. */
  readonly loginTs?: number | undefined
  readonly exp?: number | undefined
}

const latestExpiry = ({ absolute }: SessionLifetimes, { loginTs = 0 }: SessionTimes): number => loginTs + absolute

/** Whether a session is within the absolute lifetime as it is configured now. */
export const isWithinLifetime = (lifetimes: SessionLifetimes, session: SessionTimes): boolean =>
  latestExpiry(lifetimes, session) > epochSeconds()

/**
 * Seconds for which a session that is used now is stored. It is stored past its expiry for as long as an interaction may
 * refer to it; `isWithinLifetime` decides whether it is valid.
 */
export function sessionTtl(lifetimes: SessionLifetimes, session: SessionTimes): number {
  const left = Math.max(INTERACTION_TTL, latestExpiry(lifetimes, session) - epochSeconds())
  return Math.min(lifetimes.idle, left)
}

/** Seconds to extend a session by; undefined while that is less than a tenth of its lifetime, so that few requests write. */
export function extensionOf(lifetimes: SessionLifetimes, session: SessionTimes): number | undefined {
  const ttl = sessionTtl(lifetimes, session)
  const left = (session.exp ?? 0) - epochSeconds()
  return ttl - left > lifetimes.idle / 10 ? ttl : undefined
}
