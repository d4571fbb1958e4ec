import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'
import { InvalidResponseError } from './errors.ts'
import { countBits, hasBit, setBit, union, withRoom } from './status-bits.ts'
import type { ListCopy } from './status-list-token.ts'

/**
 * Shares of a copy's `ttl` between which a new copy is fetched in the background. The moment is random, so that many
 * processes do not ask at once.
 */
const REFRESH_FROM = 0.6
const REFRESH_UNTIL = 0.8
/** Share of a copy's `ttl` before which no newer copy is asked for, even if an HTTP cache returned an old one. */
const REFRESH_AT_SOONEST = 0.1

const EMPTY = new Uint8Array()

/** What stays known of a list after its eviction from the cache. */
export interface EvictedList {
  readonly notBefore: number
  /** Number of tokens that were known to be revoked. */
  readonly revokedCount: number
}

/** One status list: its newest copy, and every revocation that was ever learned. */
export class CachedList {
  readonly uri: string
  /** One bit for each token. A bit that was set is never cleared, whatever a later copy says. */
  revoked: Uint8Array = EMPTY
  copy: ListCopy | undefined
  etag: string | undefined
  /**
   * Copies that were issued earlier (milliseconds, issuer's clock) are rejected: they may lack revocations that were known
   * before an eviction.
   */
  readonly notBefore: number
  /** Number of revoked tokens that were known before an eviction; 0 once a copy has been accepted since. */
  evictedCount: number
  /** Time of the newest feed event about this list (milliseconds, issuer's clock). */
  lastEvent = 0
  /** Monotonic milliseconds. */
  usedAt: number
  /** Every revocation that was committed before (milliseconds, issuer's clock) is known. */
  asOf = 0
  /** When `asOf` was learned. */
  learnedAt: Moment
  /** When the copy was last fetched or confirmed. */
  checkedAt: Moment
  refreshing: Promise<void> | undefined
  failures = 0

  private failedAt: Moment | undefined
  private pause = 0
  private refreshAfter = 0
  private readonly clock: Clock

  constructor(uri: string, clock: Clock, evicted: EvictedList = { notBefore: 0, revokedCount: 0 }) {
    this.uri = uri
    this.clock = clock
    this.notBefore = evicted.notBefore
    this.evictedCount = evicted.revokedCount
    this.usedAt = clock.monotonic()
    this.learnedAt = this.checkedAt = momentOf(clock)
  }

  isRevoked(index: number): boolean {
    return hasBit(this.revoked, index)
  }

  hasRevoked(): boolean {
    return this.evictedCount > 0 || this.revoked.some((byte) => byte !== 0)
  }

  /** Number of tokens known to be revoked, including those known before an eviction. */
  countRevoked(): number {
    return Math.max(this.evictedCount, countBits(this.revoked))
  }

  addRevoked(indexes: Iterable<number>): void {
    for (const index of indexes) {
      this.revoked = withRoom(this.revoked, Math.floor(index / 8) + 1)
      setBit(this.revoked, index)
    }
  }

  addRevokedBits(bitmap: Uint8Array): void {
    this.revoked = union(this.revoked, bitmap)
  }

  /** @throws InvalidResponseError if the copy is older than what is known; its revocations are added all the same */
  accept(copy: ListCopy, etag: string | undefined): void {
    this.addRevokedBits(copy.revoked)
    if (copy.issuedAt < Math.max(this.notBefore, this.copy?.issuedAt ?? 0) || this.isIncomplete(copy)) {
      throw new InvalidResponseError('older than what is already known')
    }
    this.evictedCount = 0
    // The bits are in `revoked`. The length of the list must come from a copy and not from events.
    this.copy = { ...copy, revoked: EMPTY }
    this.advance(copy.issuedAt, momentOf(this.clock))
    this.etag = etag
    this.confirm()
  }

  /** Never goes back: the clock may have been set back since `asOf` was learned. */
  advance(asOf: number, at: Moment): void {
    if (asOf <= this.asOf) return
    this.asOf = asOf
    this.learnedAt = at
  }

  /** `iat` has whole seconds: the older of two copies of the same second may hold fewer revocations. */
  private isIncomplete({ issuedAt, revoked }: ListCopy): boolean {
    return issuedAt === this.notBefore && countBits(revoked) < this.evictedCount
  }

  /** The server confirmed that the copy is the newest. */
  confirm(): void {
    const { issuedAt, ttl } = this.copy!
    const age = Math.max(0, this.clock.wall() - issuedAt)
    const share = REFRESH_FROM + Math.random() * (REFRESH_UNTIL - REFRESH_FROM)
    // A copy from an HTTP cache has used up part of its ttl there.
    this.refreshAfter = Math.max(ttl * REFRESH_AT_SOONEST, Math.min(ttl * share, ttl - age))
    this.checkedAt = momentOf(this.clock)
    this.failures = 0
    this.failedAt = undefined
  }

  /** Whether a newer copy should be fetched, that many milliseconds after the last check. */
  isDue(sinceChecked: number): boolean {
    return sinceChecked >= this.refreshAfter
  }

  /** Whether the server may have a newer copy, that many milliseconds after the last check. */
  mayHaveChanged(sinceChecked: number): boolean {
    return sinceChecked >= this.copy!.ttl * REFRESH_AT_SOONEST
  }

  /** No request is sent for the next `pause` milliseconds. */
  fail(pause: number): void {
    this.failures++
    this.failedAt = momentOf(this.clock)
    this.pause = pause
  }

  mayRetry(): boolean {
    return this.failedAt === undefined || elapsedSince(this.clock, this.failedAt) >= this.pause
  }
}
