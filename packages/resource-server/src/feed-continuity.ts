import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'

/** Milliseconds without a heartbeat (one is sent every 5 s) after which the feed is no longer relied on. */
export const FEED_SILENCE = 15_000

/** Milliseconds before its `iat` at which a list may miss revocations, because nodes learn of each other's with a delay. */
export const LIST_LAG = 2000

/** A period of the issuer's time for which the feed has reported every revocation. Milliseconds since 1970. */
interface Period {
  readonly since: number
  /** Every revocation that was committed before is known. */
  readonly until: number
  /** When the last heartbeat arrived. */
  readonly heartbeatAt: Moment
  readonly connected: boolean
}

/**
 * The period for which the feed has reported every revocation. It continues over several connections while each of them
 * resumes at the cursor of the one before.
 */
export class FeedContinuity {
  private period: Period | undefined
  /** The start of the next period, as announced when the connection was opened. */
  private announcedSince: number | undefined
  private readonly clock: Clock
  /** Milliseconds by which this machine's clock may differ from the issuer's. */
  private readonly clockTolerance: number

  constructor(clock: Clock, clockTolerance: number) {
    this.clock = clock
    this.clockTolerance = clockTolerance
  }

  /** Ends the period; the next one starts at `since`. */
  start(since: number): void {
    this.end()
    this.announcedSince = since
  }

  end(): void {
    this.period = undefined
    this.announcedSince = undefined
  }

  /** The feed has reported every revocation that was committed before `until`. */
  extend(until: number): void {
    const since = this.period?.since ?? this.announcedSince ?? until
    this.period = { since, until, heartbeatAt: momentOf(this.clock), connected: true }
  }

  disconnect(): void {
    if (this.period) this.period = { ...this.period, connected: false }
  }

  /** The last heartbeat: what it covers, and when it arrived. */
  get last(): Pick<Period, 'until' | 'heartbeatAt'> | undefined {
    return this.period
  }

  /** Whether a list of that time together with the feed's events is complete. */
  covers(listTime: number): boolean {
    return this.period !== undefined && listTime - LIST_LAG >= this.period.since
  }

  /** Whether a revocation that is committed now would be reported. */
  isLive(): boolean {
    const { period } = this
    if (!period?.connected) return false
    return elapsedSince(this.clock, period.heartbeatAt) <= FEED_SILENCE && this.lag(period) <= FEED_SILENCE
  }

  /** Milliseconds since every revocation was known; infinite without a period. */
  age(): number {
    const { period } = this
    return period ? elapsedSince(this.clock, period.heartbeatAt) + this.lag(period) : Number.POSITIVE_INFINITY
  }

  /** Milliseconds by which a heartbeat was out of date on arrival, beyond the tolerated clock difference. */
  private lag({ heartbeatAt, until }: Period): number {
    return Math.max(0, heartbeatAt[0] - until - this.clockTolerance)
  }
}
