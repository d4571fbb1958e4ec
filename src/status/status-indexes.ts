import type { Database } from '../database/open-database.ts'
import { createServerWatch, type ServerWatch } from '../database/server-watch.ts'
import { createOrders } from './status-index-order.ts'
import { type Lease, leaseStatusIndexes, type StatusList } from './status-lists.ts'

/** Where a token's status is told. */
export interface StatusIndex {
  readonly list: StatusList
  readonly index: number
}

/** Gives each token a place in a list of its API, which nobody else gets, on any node. */
export interface StatusIndexes {
  /**
   * Undefined when none is at hand: more are on their way then, and `ready` waits for them.
   * @param lifetime of the token, in seconds
   */
  draw(apiId: number, lifetime: number): StatusIndex | undefined
  /** Waits for what was asked for in vain, and until there are places of this API. */
  ready(apiId?: number): Promise<void>
}

/** What an API begins with, on each process; and what one that issues much asks for at a time. */
const FEW = 64
const MANY = 1024

/** One that used up its places within so many milliseconds issues much. */
const QUICKLY = 60_000

/** How long a lease is used: less than the ledger takes tokens for it after its list was closed (`RECORDS_AFTER`). */
const LEASE_LIFE = 3_600_000

interface Held {
  readonly list: StatusList
  readonly indexes: Uint32Array
  used: number
  readonly takenAt: number
}

interface Pool {
  /** The one that is used first. */
  held: Held[]
  asked: number
  /** Of its longest-lived token, in seconds. */
  lifetime: number
  pending: Promise<void> | undefined
}

/** @param server told which server leases come from; when that is another, every lease is dropped */
export function createStatusIndexes(
  db: Database,
  server: ServerWatch = createServerWatch(),
  now = Date.now,
): StatusIndexes {
  const pools = new Map<number, Pool>()
  const orderOf = createOrders()
  const missed = new Set<Promise<void>>()
  server.onChange(() => pools.clear())

  function hold({ list, size, orderKey, from, to }: Lease, takenAt: number): Held {
    const order = orderOf(list.key, size, orderKey)
    return { list, indexes: Uint32Array.from({ length: to - from }, (_, n) => order(from + n)), used: 0, takenAt }
  }

  /** Into the pool of now: by noticing another server, the one that asked may have been dropped. */
  function take(apiId: number, lease: Lease, takenAt: number): void {
    server.notice(lease.server)
    poolOf(apiId).held.push(hold(lease, takenAt))
  }

  const leftIn = (pool: Pool): number => pool.held.reduce((left, { indexes, used }) => left + indexes.length - used, 0)

  /** An API that issues little must not use up lists by leases that it hardly draws from. */
  function amountFor(pool: Pool): number {
    const last = pool.held.at(-1)
    return last && now() - last.takenAt < QUICKLY ? MANY : FEW
  }

  function refill(apiId: number, pool: Pool): void {
    if (pool.pending) return
    // Its age counts from before it was asked for: it may have been a long way.
    const takenAt = now()
    pool.asked = amountFor(pool)
    const leasing = leaseStatusIndexes(db, apiId, pool.asked, pool.lifetime)
      .then((lease) => take(apiId, lease, takenAt))
      .finally(() => {
        pool.pending = undefined
        missed.delete(leasing)
      })
    // Nobody may be waiting; who does is told by `ready`.
    leasing.catch(() => undefined)
    pool.pending = leasing
  }

  function poolOf(apiId: number): Pool {
    const pool = pools.get(apiId) ?? { held: [], asked: FEW, lifetime: 0, pending: undefined }
    pools.set(apiId, pool)
    return pool
  }

  /** The lease to draw from; those that are used up or too old go, but for the last, which tells how quickly that went. */
  function usableOf(pool: Pool): Held | undefined {
    const oldest = now() - LEASE_LIFE
    const isUsable = ({ used, indexes, takenAt }: Held) => used < indexes.length && takenAt > oldest
    while (pool.held.length > 1 && !isUsable(pool.held[0]!)) pool.held.shift()
    const [first] = pool.held
    return first && isUsable(first) ? first : undefined
  }

  /** Asks for more, and has `ready` wait for it. */
  function miss(apiId: number, pool: Pool): void {
    refill(apiId, pool)
    missed.add(pool.pending!)
  }

  return {
    draw(apiId, lifetime) {
      const pool = poolOf(apiId)
      if (lifetime > pool.lifetime) pool.lifetime = lifetime
      const held = usableOf(pool)
      if (!held) miss(apiId, pool)
      else if (leftIn(pool) <= pool.asked / 2) refill(apiId, pool)
      return held && { list: held.list, index: held.indexes[held.used++]! }
    },
    async ready(apiId) {
      if (apiId !== undefined && !usableOf(poolOf(apiId))) miss(apiId, poolOf(apiId))
      await Promise.all(missed)
    },
  }
}
