/** Milliseconds. */
export interface Clock {
  /** Since 1970, as the machine believes. */
  wall(): number
  /** Since any moment; never set back. */
  monotonic(): number
}

export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }

export type Moment = readonly [wall: number, monotonic: number]

export const momentOf = (clock: Clock): Moment => [clock.wall(), clock.monotonic()]

/**
 * Milliseconds since then, by whichever clock says more: the one on the wall may have been set back, the other stands
 * still while the machine sleeps, and what is too old must not pass for young.
 */
export const elapsedSince = (clock: Clock, then: Moment): number =>
  Math.max(clock.wall() - then[0], clock.monotonic() - then[1])

/** What the wall says, or would say if it had not been set back since then. */
export const nowSince = (clock: Clock, then: Moment): number => then[0] + elapsedSince(clock, then)
