import { backoff } from './backoff.ts'
import type { CachedList } from './cached-list.ts'
import { type Clock, elapsedSince, nowSince } from './clock.ts'
import { InvalidResponseError, messageOf, type Report } from './errors.ts'
import { FeedContinuity } from './feed-continuity.ts'
import { ListCache } from './list-cache.ts'
import type { ListSource } from './list-source.ts'
import type { ListCopy } from './status-list-token.ts'

/**
 * The status of a token by its list. `unknown`: no copy of the list is available, or the copy is too old. `evicted`: no copy
 * is available, and revoked tokens of the list were known before its eviction from the cache. `foreign`: the list is not at
 * the issuer's origin.
 */
export type TokenStatus = 'valid' | 'revoked' | 'unknown' | 'evicted' | 'out_of_range' | 'foreign'

/** Newly revoked tokens of one list, as the feed reports them. */
export interface ListChange {
  readonly uri: string
  readonly indexes?: readonly number[]
  /** The same as a bitmap. */
  readonly revoked?: Uint8Array
}

export interface StatusListsOptions {
  readonly source: ListSource
  readonly clock: Clock
  /** Lists at another origin are never fetched. */
  readonly origin: string
  /** Milliseconds; undefined: derived from each list's `ttl`. */
  readonly maxAge: number | undefined
  /** Milliseconds. */
  readonly clockTolerance: number
  readonly maxLists: number
  readonly report: Report
}

/** `due`: good enough to answer with while a newer copy is fetched. `overdue`: wait for the newer copy. */
type Freshness = 'fresh' | 'due' | 'overdue'

/** Milliseconds between attempts to fetch a list. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000
/** Milliseconds added to two `ttl`, for the request and the difference between two clocks. */
const AGE_MARGIN = 30_000

function isAllowed(uri: string, origin: string): boolean {
  if (!URL.canParse(uri)) return false
  const url = new URL(uri)
  return url.origin === origin && url.username === '' && url.password === '' && url.hash === ''
}

/** The status lists of the issuer, kept up to date by requests and by the feed. */
export class StatusLists {
  private readonly options: StatusListsOptions
  private readonly cache: ListCache
  private readonly continuity: FeedContinuity

  constructor(options: StatusListsOptions) {
    this.options = options
    this.cache = new ListCache(options.clock, options.maxLists)
    this.continuity = new FeedContinuity(options.clock, options.clockTolerance)
  }

  /** Returns a promise only if a list has to be fetched first: the usual verification does not pay for one. */
  check(uri: string, index: number): TokenStatus | Promise<TokenStatus> {
    const list = this.find(uri)
    if (!list) return 'foreign'
    list.usedAt = this.options.clock.monotonic()
    if (list.isRevoked(index)) return 'revoked'
    const freshness = this.freshness(list)
    if (freshness === 'fresh') return this.statusIn(list, index)
    const refreshing = this.refresh(list)
    if (freshness === 'due' || !refreshing) return this.statusIn(list, index)
    return refreshing.then(() => this.statusIn(list, index))
  }

  /** @throws InvalidResponseError if a list is not at the issuer's origin; then nothing is changed */
  applyChanges(changes: readonly ListChange[], at: number): void {
    if (!changes.every(({ uri }) => isAllowed(uri, this.options.origin))) {
      throw new InvalidResponseError('the event names a list at another origin')
    }
    for (const { uri, indexes, revoked } of changes) {
      const list = this.find(uri)!
      if (indexes) list.addRevoked(indexes)
      if (revoked) list.addRevokedBits(revoked)
      // Before the next change, which may evict this list: the eviction record needs the time of the event.
      list.lastEvent = Math.max(list.lastEvent, at)
    }
  }

  /** The feed reports every revocation that is committed after `since`, but not those between the last event and `since`. */
  startContinuity(since: number): void {
    this.endContinuity()
    this.continuity.start(since)
  }

  /** The feed has reported every revocation that was committed before `until`. */
  extendContinuity(until: number): void {
    this.continuity.extend(until)
  }

  /** The connection to the feed ended. The next one resumes where it ended. */
  disconnect(): void {
    this.continuity.disconnect()
  }

  /** The feed cannot resume where it ended. Lists keep what the feed has reported so far. */
  endContinuity(): void {
    const { last } = this.continuity
    for (const list of this.cache.all()) {
      if (!last || !this.isCovered(list)) continue
      list.advance(last.until, last.heartbeatAt)
      list.checkedAt = last.heartbeatAt
    }
    this.continuity.end()
  }

  isLive(): boolean {
    return this.continuity.isLive()
  }

  get size(): number {
    return this.cache.size
  }

  private find(uri: string): CachedList | undefined {
    return this.cache.get(uri) ?? (isAllowed(uri, this.options.origin) ? this.cache.add(uri) : undefined)
  }

  /** The status by what is in memory. */
  private statusIn(list: CachedList, index: number): TokenStatus {
    if (list.isRevoked(index)) return 'revoked'
    const { copy } = list
    if (!copy) return list.evictedCount > 0 ? 'evicted' : 'unknown'
    if (index >= copy.count) return 'out_of_range'
    const { clock, clockTolerance } = this.options
    if (nowSince(clock, list.learnedAt) >= copy.expiresAt + clockTolerance) return 'unknown'
    return this.isTooOld(list, copy) ? 'unknown' : 'valid'
  }

  private freshness(list: CachedList): Freshness {
    const { copy } = list
    if (!copy) return 'overdue'
    const sinceFetched = elapsedSince(this.options.clock, list.checkedAt)
    if (list.mayHaveChanged(sinceFetched) && this.isTooOld(list, copy)) return 'overdue'
    if (!list.isDue(sinceFetched)) return 'fresh'
    const covered = this.isCovered(list)
    if (covered && this.isLive()) return this.freshnessByExpiry(list, copy)
    const sinceChecked = covered ? Math.min(sinceFetched, this.continuity.age()) : sinceFetched
    if (!list.isDue(sinceChecked)) return 'fresh'
    return sinceChecked < copy.ttl ? 'due' : 'overdue'
  }

  /** While the feed reports the changes, only a copy that expires has to be replaced (Token Status List, section 8.3). */
  private freshnessByExpiry(list: CachedList, { issuedAt, expiresAt }: ListCopy): Freshness {
    const now = nowSince(this.options.clock, list.learnedAt)
    if (now >= expiresAt) return 'overdue'
    return now - issuedAt > (expiresAt - issuedAt) / 2 ? 'due' : 'fresh'
  }

  /** Whether the copy and the feed's events together are complete. */
  private isCovered(list: CachedList): boolean {
    return list.copy !== undefined && this.continuity.covers(list.asOf)
  }

  /** By the age of the list, and of the feed's last heartbeat if the feed covers the list. */
  private isTooOld(list: CachedList, { ttl }: ListCopy): boolean {
    const { clock, maxAge = 2 * ttl + AGE_MARGIN } = this.options
    if (nowSince(clock, list.learnedAt) - list.asOf <= maxAge) return false
    const { last } = this.continuity
    return !last || !this.isCovered(list) || nowSince(clock, last.heartbeatAt) - last.until > maxAge
  }

  /**
   * Fetches the list once for all callers that wait. Returns undefined during the pause after a failure. The promise never
   * rejects.
   */
  private refresh(list: CachedList): Promise<void> | undefined {
    if (!list.refreshing && list.mayRetry()) {
      list.refreshing = this.fetchCopy(list).finally(() => {
        list.refreshing = undefined
      })
    }
    return list.refreshing
  }

  private async fetchCopy(list: CachedList): Promise<void> {
    try {
      const fetched = await this.options.source(list.uri, list.copy && list.etag)
      if (fetched) list.accept(fetched.copy, fetched.etag)
      else list.confirm()
    } catch (cause) {
      list.fail(backoff(list.failures + 1, FIRST_PAUSE, LONGEST_PAUSE))
      const code = cause instanceof InvalidResponseError ? 'list_invalid' : 'list_unavailable'
      this.options.report({ code, message: `${list.uri}: ${messageOf(cause)}`, cause })
    }
  }
}
