import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'

/**
 * A stretch of time, by the issuer's clock, of which the feed has told everything. It goes on over as many connections as
 * the feed's cursor bridges.
 */
export interface Coverage {
  /** Where it begins. */
  readonly since: number
  /** Everything that was committed before is known. */
  until: number
  /** When the last heartbeat came. */
  heardAt: Moment
  /** False while nothing is connected. */
  connected: boolean
}

/** Milliseconds without a heartbeat (they come every 5 s) after which the feed counts as lost. */
export const FEED_SILENCE = 15_000

/**
 * A list says what was known when it was signed, give or take what nodes need to hear of one another, in milliseconds.
 */
export const LIST_LAG = 2000

/** Whether a list that says what was known at `asOf`, together with what the feed told, misses nothing until `until`. */
export const reachesBackTo = (coverage: Coverage, asOf: number): boolean => asOf - LIST_LAG >= coverage.since

/** Milliseconds by which what was told was out of date when it came, beyond what clocks may differ. */
const lagOf = ({ heardAt, until }: Coverage, tolerance: number): number => Math.max(0, heardAt[0] - until - tolerance)

/** Whether whatever is revoked now would be heard of. */
export const isLive = (coverage: Coverage, clock: Clock, tolerance: number): boolean =>
  coverage.connected &&
  elapsedSince(clock, coverage.heardAt) <= FEED_SILENCE &&
  lagOf(coverage, tolerance) <= FEED_SILENCE

/** Milliseconds since everything was known, by what the feed told. */
export const sinceTold = (coverage: Coverage, clock: Clock, tolerance: number): number =>
  elapsedSince(clock, coverage.heardAt) + lagOf(coverage, tolerance)

export const beginCoverage = (since: number, at: number, clock: Clock): Coverage => ({
  since,
  until: at,
  heardAt: momentOf(clock),
  connected: true,
})
