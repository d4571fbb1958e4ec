import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'
import { InvalidAnswerError } from './errors.ts'
import type { ListCopy } from './list-token.ts'
import { countBits, hasBit, setBit, union, withRoom } from './status-bits.ts'

/** Of a copy's `ttl`: from when on a new one is fetched while the old one still answers; by chance, lest all ask at once. */
const DUE_FROM = 0.6
const DUE_UNTIL = 0.8
/** Of a copy's `ttl`: when a copy out of a cache that was old already is asked for again, at the soonest. */
const DUE_AT_SOONEST = 0.1

const EMPTY = new Uint8Array()

/** What is left of a list that was put away. */
export interface Trace {
  readonly notBefore: number
  /** How many were known to be dead. */
  readonly dead: number
}

/** What is known of one list: the newest copy, and every bit that was ever seen set. */
export class HeldList {
  readonly uri: string
  /** A bit for each token; one that is set is never cleared, whatever a later copy says. */
  dead: Uint8Array = EMPTY
  copy: ListCopy | undefined
  etag: string | undefined
  /** Nothing issued before (milliseconds, the issuer's clock) is believed: it lacks what was known here once. */
  readonly notBefore: number
  /** How many were known to be dead once, of which no copy has said yet which they are. */
  forgotten: number
  /** The newest event about it, likewise. */
  lastEvent = 0
  /** Monotonic. */
  usedAt: number
  /** What was committed before (milliseconds, the issuer's clock) is known. */
  asOf = 0
  /** Since when. */
  learnedAt: Moment
  /** When it was last compared with what the server says. */
  checkedAt: Moment
  refreshing: Promise<void> | undefined
  failures = 0

  private failedAt: Moment | undefined
  private pause = 0
  private due = 0
  private readonly clock: Clock

  constructor(uri: string, clock: Clock, trace: Trace = { notBefore: 0, dead: 0 }) {
    this.uri = uri
    this.clock = clock
    this.notBefore = trace.notBefore
    this.forgotten = trace.dead
    this.usedAt = clock.monotonic()
    this.learnedAt = this.checkedAt = momentOf(clock)
  }

  isDead(index: number): boolean {
    return hasBit(this.dead, index)
  }

  knowsDead(): boolean {
    return this.forgotten > 0 || this.dead.some((byte) => byte !== 0)
  }

  /** How many are known to be dead, though it may be forgotten which. */
  countDead(): number {
    return Math.max(this.forgotten, countBits(this.dead))
  }

  kill(indexes: Iterable<number>): void {
    for (const index of indexes) {
      this.dead = withRoom(this.dead, Math.floor(index / 8) + 1)
      setBit(this.dead, index)
    }
  }

  killAll(bitmap: Uint8Array): void {
    this.dead = union(this.dead, bitmap)
  }

  /** @throws InvalidAnswerError where it is older than what is held; then nothing changes but what it says is dead */
  accept(copy: ListCopy, etag: string | undefined): void {
    this.killAll(copy.dead)
    if (copy.issuedAt < Math.max(this.notBefore, this.copy?.issuedAt ?? 0) || this.isLackedBy(copy)) {
      throw new InvalidAnswerError('older than what is known already')
    }
    this.forgotten = 0
    // Whether a token is in the list's range must not depend on what an event said.
    this.copy = { ...copy, dead: EMPTY }
    this.learn(copy.issuedAt, momentOf(this.clock))
    this.etag = etag
    this.confirm()
  }

  /** What is no news makes nothing younger: the clock may have been set back since it was learned. */
  learn(asOf: number, at: Moment): void {
    if (asOf <= this.asOf) return
    this.asOf = asOf
    this.learnedAt = at
  }

  /** Of several copies of one second, the older ones say less: `iat` is in whole seconds. */
  private isLackedBy({ issuedAt, dead }: ListCopy): boolean {
    return issuedAt === this.notBefore && countBits(dead) < this.forgotten
  }

  /** The copy at hand is the newest to be had. */
  confirm(): void {
    const { issuedAt, ttl } = this.copy!
    const age = Math.max(0, this.clock.wall() - issuedAt)
    const share = DUE_FROM + Math.random() * (DUE_UNTIL - DUE_FROM)
    // A copy out of a cache in between has used up some of its time there.
    this.due = Math.max(ttl * DUE_AT_SOONEST, Math.min(ttl * share, ttl - age))
    this.checkedAt = momentOf(this.clock)
    this.failures = 0
    this.failedAt = undefined
  }

  /** Whether it is time to ask for a newer copy, that many milliseconds after it was compared. */
  isDue(sinceChecked: number): boolean {
    return sinceChecked >= this.due
  }

  /** Whether a newer copy may be had at all, likewise. */
  isWorthAsking(sinceChecked: number): boolean {
    return sinceChecked >= this.copy!.ttl * DUE_AT_SOONEST
  }

  /** Nothing is asked for the next `pause` milliseconds. */
  fail(pause: number): void {
    this.failures++
    this.failedAt = momentOf(this.clock)
    this.pause = pause
  }

  mayAsk(): boolean {
    return this.failedAt === undefined || elapsedSince(this.clock, this.failedAt) >= this.pause
  }
}
