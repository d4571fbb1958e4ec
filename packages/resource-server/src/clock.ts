/** Both methods return milliseconds. */
export interface Clock {
  /** The machine's time since 1970. It can be set ahead and back. */
  wall(): number
  /** Time since an arbitrary start. It never goes back. */
  monotonic(): number
}

export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }

/** One moment on both clocks. */
export type Moment = readonly [wall: number, monotonic: number]

export const momentOf = (clock: Clock): Moment => [clock.wall(), clock.monotonic()]

/**
 * Returns the milliseconds since `then` by the clock that says more. The wall clock can be set back, and the monotonic clock
 * stops while the machine sleeps. Old data must not look new in either case.
 */
export const elapsedSince = (clock: Clock, then: Moment): number =>
  Math.max(clock.wall() - then[0], clock.monotonic() - then[1])

/** Returns the time since 1970, even if the wall clock was set back after `then`. */
export const nowSince = (clock: Clock, then: Moment): number => then[0] + elapsedSince(clock, then)
