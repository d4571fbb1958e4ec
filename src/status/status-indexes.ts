import type { Database } from '../database/open-database.ts'
import { createServerWatch, type ServerWatch } from '../database/server-watch.ts'
import { createOrders } from './status-index-order.ts'
import { type Lease, leaseStatusIndexes, type StatusList } from './status-lists.ts'

/** The status list of a token, and the token's index in it. */
export interface StatusIndex {
  readonly list: StatusList
  readonly index: number
}

/** Indexes per lease: of the first one of an API on each node, and of an API that issues many tokens. */
const SMALL_LEASE = 64
const LARGE_LEASE = 1024

/** Milliseconds. An API whose last lease is younger than this when it needs another one issues many tokens. */
const LARGE_LEASE_WITHIN = 60_000

/** Milliseconds for which a lease is used: less than tokens are still recorded in its closed list (`RECORDS_AFTER`). */
const LEASE_LIFETIME = 3_600_000

/** The indexes of a lease, in the order in which tokens get them. */
interface LeasedIndexes {
  readonly list: StatusList
  readonly indexes: Uint32Array
  /** How many indexes are used. */
  used: number
  /** Milliseconds since 1970. */
  readonly leasedAt: number
}

/** The leases of one API. */
interface LeasePool {
  /** The oldest first. It is used first. */
  readonly leases: LeasedIndexes[]
  /** The size of the last lease that was requested. */
  requested: number
  /** Seconds: the longest lifetime of the API's tokens. */
  lifetime: number
  pending: Promise<void> | undefined
}

const newPool = (): LeasePool => ({ leases: [], requested: SMALL_LEASE, lifetime: 0, pending: undefined })

const unusedIn = ({ leases }: LeasePool): number =>
  leases.reduce((unused, { indexes, used }) => unused + indexes.length - used, 0)

/** An API that issues few tokens gets small leases: it would use up status lists with indexes that no token gets. */
function nextLeaseSize({ leases }: LeasePool, now: number): number {
  const last = leases.at(-1)
  return last && now - last.leasedAt < LARGE_LEASE_WITHIN ? LARGE_LEASE : SMALL_LEASE
}

/**
 * The lease to take indexes from. Removes leases that are used up or too old, except the last one, whose age decides the size
 * of the next lease.
 */
function usableLease({ leases }: LeasePool, now: number): LeasedIndexes | undefined {
  const isUsable = ({ used, indexes, leasedAt }: LeasedIndexes) =>
    used < indexes.length && leasedAt > now - LEASE_LIFETIME
  while (leases.length > 1 && !isUsable(leases[0]!)) leases.shift()
  const [first] = leases
  return first && isUsable(first) ? first : undefined
}

/**
 * Gives each access token a status index: its position in a status list of its API, which no other token gets on any node.
 * Takes indexes from leases in memory, so that a token needs no statement of its own for it.
 */
export class StatusIndexes {
  readonly #db: Database
  readonly #server: ServerWatch
  readonly #now: () => number
  readonly #orderOf = createOrders()
  /** By the id of the API. */
  readonly #pools = new Map<number, LeasePool>()
  /** Pending leases for which a token waits. */
  readonly #awaited = new Set<Promise<void>>()

  /** @param server which PostgreSQL server leases come from; when it changes, every lease is dropped */
  constructor(db: Database, server: ServerWatch = createServerWatch(), now: () => number = Date.now) {
    this.#db = db
    this.#server = server
    this.#now = now
    server.onChange(() => this.#pools.clear())
  }

  /**
   * Takes a status index of the API. Undefined when no leased index is left: a lease is pending then, and `ready` waits for it.
   * @param lifetime of the token, in seconds
   */
  draw(apiId: number, lifetime: number): StatusIndex | undefined {
    const pool = this.#poolOf(apiId)
    if (lifetime > pool.lifetime) pool.lifetime = lifetime
    const lease = usableLease(pool, this.#now())
    if (!lease) this.#awaitLease(apiId, pool)
    else if (unusedIn(pool) <= pool.requested / 2) this.#lease(apiId, pool)
    return lease && { list: lease.list, index: lease.indexes[lease.used++]! }
  }

  /** Takes back an index that no token got. It is drawn again, unless its lease is no longer used. */
  putBack(apiId: number, { list, index }: StatusIndex): void {
    const lease = this.#pools.get(apiId)?.leases.find((one) => one.list === list)
    if (lease) lease.indexes[--lease.used] = index
  }

  /** Waits for the leases that `draw` lacked and, with `apiId`, until there are indexes of this API. */
  async ready(apiId?: number): Promise<void> {
    if (apiId !== undefined) {
      const pool = this.#poolOf(apiId)
      if (!usableLease(pool, this.#now())) this.#awaitLease(apiId, pool)
    }
    await Promise.all(this.#awaited)
  }

  #poolOf(apiId: number): LeasePool {
    const pool = this.#pools.get(apiId) ?? newPool()
    this.#pools.set(apiId, pool)
    return pool
  }

  #awaitLease(apiId: number, pool: LeasePool): void {
    this.#awaited.add(this.#lease(apiId, pool))
  }

  /** Requests the next lease, unless one is pending. */
  #lease(apiId: number, pool: LeasePool): Promise<void> {
    if (pool.pending) return pool.pending
    // Before the request: its answer may take long, and the lease must not be used beyond its lifetime.
    const leasedAt = this.#now()
    pool.requested = nextLeaseSize(pool, leasedAt)
    const leasing = leaseStatusIndexes(this.#db, apiId, pool.requested, pool.lifetime)
      .then((lease) => this.#add(apiId, lease, leasedAt))
      .finally(() => {
        pool.pending = undefined
        this.#awaited.delete(leasing)
      })
    // `ready` rejects if a token waits for the lease. Otherwise nobody handles the error.
    leasing.catch(() => undefined)
    pool.pending = leasing
    return leasing
  }

  /** Adds the lease to the API's present pool: `notice` may have dropped the pool that requested it. */
  #add(apiId: number, { list, size, orderKey, from, to, server }: Lease, leasedAt: number): void {
    this.#server.notice(server)
    const order = this.#orderOf(list.key, size, orderKey)
    const indexes = Uint32Array.from({ length: to - from }, (_, n) => order(from + n))
    this.#poolOf(apiId).leases.push({ list, indexes, used: 0, leasedAt })
  }
}
