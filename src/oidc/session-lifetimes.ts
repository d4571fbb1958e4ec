import { epochSeconds } from '../shared/clock.ts'
import { INTERACTION_TTL } from './anonymous-storage.ts'

/** Seconds that somebody stays signed in in a browser. */
export interface SessionLifetimes {
  /** After the last request. */
  readonly idle: number
  /** After the sign-in. */
  readonly absolute: number
}

interface Begun {
  /** Of the sign-in, in seconds since 1970. */
  readonly loginTs?: number | undefined
  readonly exp?: number | undefined
}

const expirySql = ({ absolute }: SessionLifetimes, { loginTs = 0 }: Begun): number => loginTs + absolute

/** Whether a session is not too old, whatever the lifetime was when it began. */
export const isWithinLifetime = (lifetimes: SessionLifetimes, session: Begun): boolean =>
  expirySql(lifetimes, session) > epochSeconds()

/**
 * Seconds for which a session that is used now is stored: past its end too, because a sign-in that an application has begun
 * finds it by then (`isWithinLifetime` says whether it still counts).
 */
export function sessionTtl(lifetimes: SessionLifetimes, session: Begun): number {
  const left = Math.max(INTERACTION_TTL, expirySql(lifetimes, session) - epochSeconds())
  return Math.min(lifetimes.idle, left)
}

/** The seconds by which a session is to be extended; undefined while that would gain little, so that few requests write. */
export function extensionOf(lifetimes: SessionLifetimes, session: Begun): number | undefined {
  const ttl = sessionTtl(lifetimes, session)
  const left = (session.exp ?? 0) - epochSeconds()
  return ttl - left > lifetimes.idle / 10 ? ttl : undefined
}
