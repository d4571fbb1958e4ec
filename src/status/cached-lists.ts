import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Database } from '../database/open-database.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { CachedListToken } from './cached-list-tokens.ts'
import { addIndexes, type Bitmap, emptyBitmap, LARGEST_LIST } from './status-bitmap.ts'
import type { StatusChanges } from './status-changes.ts'
import type { StatusFollower } from './status-follower.ts'
import { createListReader, type ListReader, type ListReading } from './status-list-reader.ts'
import type { StatusList } from './status-lists.ts'

/** A status list token, as it is served. */
export interface StatusListToken {
  readonly jwt: string
  readonly etag: string
}

/** What a status list of this node needs of the follower. */
export type Following = Pick<StatusFollower, 'listen' | 'catchUp' | 'cursor' | 'behind'>

/** Milliseconds by which a served list may lack revocations. */
export const MAX_BEHIND = 500

/** Milliseconds for which a request for a cached list waits for the database. */
export const DATABASE_TIMEOUT = 1000

/** Bytes of cached lists: their bitmaps and signed tokens. */
const CACHE_SIZE = 64 * 1024 * 1024
const sizeOf = ({ revoked }: CachedList): number => revoked.length * 2 + 4096

/** Milliseconds after which a cached list is read again: it may be deleted, or its API may have another signing algorithm. */
const MAX_AGE = 600_000

/** A status list in memory, to which the follower adds revocations. */
export interface CachedList {
  readonly list: StatusList
  readonly signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** Everything that was committed by then is in `revoked`, by the database's clock. The follower may be ahead of it. */
  readonly at: number
  /** When a revocation was last added, by the database's clock. A token that was signed before lacks it. */
  changedAt: number
  /** By `performance.now()`. */
  readonly readAt: number
  /** The token that another node signed, until it was checked. */
  shared: CachedListToken | undefined
  /** The signed token; it has everything that was committed by `at`. Undefined after a revocation was added. */
  signed: { readonly at: number; readonly kid: string; token: StatusListToken | undefined } | undefined
  signing: Promise<StatusListToken> | undefined
}

/** @param changed whether revocations arrived while the list was read, which the shared token lacks */
const toCachedList = ({ cachedToken, ...reading }: ListReading, changed: boolean): CachedList => {
  const shared = changed ? undefined : cachedToken
  return {
    ...reading,
    changedAt: shared?.cursor.at ?? reading.at,
    readAt: performance.now(),
    shared,
    signed: undefined,
    signing: undefined,
  }
}

/**
 * The status lists that are requested from this node. Reads each list once, then adds the revocations that the follower
 * finds. Follows only while lists are requested, because following costs several statements a second.
 */
export class CachedLists {
  readonly #follower: Following
  readonly #readList: ListReader
  /** Milliseconds without a request after which following stops. */
  readonly #idleTimeout: number
  readonly #lists = new LRUCache<string, CachedList>({ maxSize: CACHE_SIZE, sizeCalculation: sizeOf })
  readonly #reads = new Map<string, Promise<CachedList | undefined>>()
  /** The revocations that arrive while a list is read. They are added afterwards; the order does not matter. */
  readonly #arriving = new Map<string, Bitmap>()
  #stopListening: (() => void) | undefined
  #requestedAt = 0
  /** Increases when the feed loses its continuity: a list that was read before may lack revocations. */
  #continuity = 0

  constructor(db: Database, follower: Following, idleTimeout: number) {
    this.#follower = follower
    this.#readList = createListReader(db)
    this.#idleTimeout = idleTimeout
  }

  /**
   * The list with everything that was committed up to `MAX_BEHIND` ago. If the database does not answer, the cached list as
   * it is. Undefined when there is no such list.
   * @throws the errors of the database when the list is not cached
   */
  async find(id: string): Promise<CachedList | undefined> {
    await this.#followFor(id)
    const cached = this.#lists.get(id)
    if (cached && performance.now() - cached.readAt < MAX_AGE) return cached
    const read = this.#reads.get(id) ?? this.#read(id).finally(() => this.#reads.delete(id))
    this.#reads.set(id, read)
    return await read.catch((error) => {
      if (cached) return cached
      throw error
    })
  }

  /**
   * Everything that was committed by then is in the list, by the database's clock. A list that was evicted no longer gets
   * revocations, so the follower's cursor does not apply to it.
   */
  currentAt(cached: CachedList): number {
    const isFollowed = this.#lists.peek(cached.list.id) === cached
    return Math.max(cached.at, (isFollowed && this.#follower.cursor()?.at) || 0)
  }

  async #followFor(id: string): Promise<void> {
    const following = this.#follow()
    if (!this.#lists.has(id)) return await following
    await Promise.race([following, sleep(DATABASE_TIMEOUT, undefined, { ref: false })]).catch(() => undefined)
  }

  async #follow(): Promise<void> {
    this.#requestedAt = performance.now()
    this.#stopListening ??= this.#follower.listen({
      onChanges: (changes) => this.#addChanges(changes),
      onLost: () => this.#clear(),
    })
    if (!this.#follower.cursor() || this.#follower.behind() > MAX_BEHIND) await this.#follower.catchUp()
  }

  #addChanges({ changes, cursor }: StatusChanges): void {
    for (const { list, revoked } of changes) {
      const cached = this.#lists.peek(list.id)
      if (cached && addIndexes(cached.revoked, revoked)) {
        cached.signed = undefined
        cached.changedAt = cursor.at
      }
      const arriving = this.#arriving.get(list.id)
      if (arriving) addIndexes(arriving, revoked)
    }
    if (performance.now() - this.#requestedAt > this.#idleTimeout) this.#stopFollowing()
  }

  #stopFollowing(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    this.#clear()
  }

  #clear(): void {
    this.#continuity++
    this.#lists.clear()
  }

  async #read(id: string): Promise<CachedList | undefined> {
    const arriving = emptyBitmap(LARGEST_LIST)
    const continuity = this.#continuity
    this.#arriving.set(id, arriving)
    try {
      const reading = await this.#readList(id)
      const cached = reading && toCachedList(reading, addIndexes(reading.revoked, arriving))
      // The absence of a list is not cached, because anybody can invent ids.
      if (cached && continuity === this.#continuity) this.#lists.set(id, cached)
      else this.#lists.delete(id)
      return cached
    } finally {
      this.#arriving.delete(id)
    }
  }
}
