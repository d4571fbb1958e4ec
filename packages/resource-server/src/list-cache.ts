import { CachedList, type EvictedList } from './cached-list.ts'
import type { Clock } from './clock.ts'
import { LIST_LAG } from './feed-continuity.ts'

/** Milliseconds after which an unused list is evicted, if it holds no revoked token. */
const IDLE = 3_600_000
const SWEEP_INTERVAL = 60_000
/** Milliseconds; longer than the longest lifetime of a token (a month). */
const RETENTION = 32 * 86_400_000

interface Eviction extends EvictedList {
  /** Monotonic milliseconds. */
  readonly at: number
}

/**
 * The status lists in memory: at most `maxLists`, and those that are being fetched. After an eviction 100 bytes stay instead
 * of 8 to 128 kB: the minimum age of the next copy and the number of revoked tokens. They keep an old copy from making a
 * revoked token valid again.
 */
export class ListCache {
  private readonly lists = new Map<string, CachedList>()
  private readonly evictions = new Map<string, Eviction>()
  private readonly clock: Clock
  private readonly maxLists: number
  private sweptAt: number

  constructor(clock: Clock, maxLists: number) {
    this.clock = clock
    this.maxLists = maxLists
    this.sweptAt = clock.monotonic()
  }

  get(uri: string): CachedList | undefined {
    return this.lists.get(uri)
  }

  all(): Iterable<CachedList> {
    return this.lists.values()
  }

  get size(): number {
    return this.lists.size
  }

  add(uri: string): CachedList {
    this.makeRoom()
    const list = new CachedList(uri, this.clock, this.evictions.get(uri))
    this.evictions.delete(uri)
    this.lists.set(uri, list)
    return list
  }

  private makeRoom(): void {
    const now = this.clock.monotonic()
    if (now - this.sweptAt > SWEEP_INTERVAL) this.sweep(now)
    if (this.lists.size < this.maxLists) return
    // A list that is being fetched stays: after an eviction the response would update an object that no request reads.
    const evictable = [...this.lists.values()].filter(({ refreshing }) => !refreshing)
    const leastRecentlyUsed = evictable.sort((a, b) => a.usedAt - b.usedAt)
    // A tenth at once: otherwise each new list would sort the full cache again.
    for (const list of leastRecentlyUsed.slice(0, Math.ceil(this.maxLists / 10))) this.evict(list, now)
  }

  private sweep(now: number): void {
    this.sweptAt = now
    for (const list of this.lists.values()) {
      const idle = now - list.usedAt
      if (idle > RETENTION || (idle > IDLE && !list.hasRevoked())) this.evict(list, now)
    }
    for (const [uri, { at }] of this.evictions) if (now - at > RETENTION) this.evictions.delete(uri)
  }

  private evict(list: CachedList, now: number): void {
    const event = list.lastEvent && list.lastEvent + LIST_LAG
    const notBefore = Math.max(list.notBefore, list.copy?.issuedAt ?? 0, event)
    this.evictions.set(list.uri, { notBefore, revokedCount: list.countRevoked(), at: now })
    this.lists.delete(list.uri)
  }
}
