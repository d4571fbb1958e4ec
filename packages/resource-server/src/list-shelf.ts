import type { Clock } from './clock.ts'
import { LIST_LAG } from './coverage.ts'
import { HeldList, type Trace } from './held-list.ts'

/** Milliseconds after which a list that nobody asked about is put away, if it knows of no dead token. */
const IDLE = 3_600_000
const SWEEP_EVERY = 60_000
/** Milliseconds; longer than any token lives (a month at most). */
const REMEMBERED = 32 * 86_400_000

interface PutAway extends Trace {
  /** Monotonic. */
  readonly since: number
}

/**
 * The lists at hand: at most `most` of them, and those that are just being fetched. Of a list that was put away it stays known
 * how old a copy may not be and how many were dead, so that nothing brings back to life what was known to be dead: 100 bytes
 * instead of 8 to 128 kB.
 */
export class ListShelf {
  private readonly lists = new Map<string, HeldList>()
  private readonly putAway = new Map<string, PutAway>()
  private readonly clock: Clock
  private readonly most: number
  private sweptAt: number

  constructor(clock: Clock, most: number) {
    this.clock = clock
    this.most = most
    this.sweptAt = clock.monotonic()
  }

  get(uri: string): HeldList | undefined {
    return this.lists.get(uri)
  }

  all(): Iterable<HeldList> {
    return this.lists.values()
  }

  get size(): number {
    return this.lists.size
  }

  add(uri: string): HeldList {
    this.makeRoom()
    const list = new HeldList(uri, this.clock, this.putAway.get(uri))
    this.putAway.delete(uri)
    this.lists.set(uri, list)
    return list
  }

  private makeRoom(): void {
    const now = this.clock.monotonic()
    if (now - this.sweptAt > SWEEP_EVERY) this.sweep(now)
    if (this.lists.size < this.most) return
    // What is being fetched stays: it would be taken in by a list that nobody asks again.
    const idle = [...this.lists.values()].filter(({ refreshing }) => !refreshing)
    const longestUnused = idle.sort((a, b) => a.usedAt - b.usedAt)
    // A tenth at once, or a full shelf would be sorted for each new list.
    for (const list of longestUnused.slice(0, Math.ceil(this.most / 10))) this.remove(list, now)
  }

  private sweep(now: number): void {
    this.sweptAt = now
    for (const list of this.lists.values()) {
      const idle = now - list.usedAt
      if (idle > REMEMBERED || (idle > IDLE && !list.knowsDead())) this.remove(list, now)
    }
    for (const [uri, { since }] of this.putAway) if (now - since > REMEMBERED) this.putAway.delete(uri)
  }

  private remove(list: HeldList, now: number): void {
    const event = list.lastEvent && list.lastEvent + LIST_LAG
    const notBefore = Math.max(list.notBefore, list.copy?.issuedAt ?? 0, event)
    this.putAway.set(list.uri, { notBefore, dead: list.countDead(), since: now })
    this.lists.delete(list.uri)
  }
}
