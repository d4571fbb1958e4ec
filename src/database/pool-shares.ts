import type { GuardedClient } from './guarded-client.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

/** What Knex takes as a `connectionPool`, and what its own pool offers. */
export interface ConnectionPool {
  acquire(): { readonly promise: Promise<GuardedClient> }
  release(connection: GuardedClient): boolean
  destroy(): Promise<unknown>
  numUsed(): number
  numFree(): number
  numPendingAcquires(): number
}

/** How many connections each use of a pool may have at once. What is left over always serves other reads. */
export interface PoolShares {
  /** Transactions and single statements that change something. */
  readonly changes: number
  /** The statement that records tokens. */
  readonly recording: number
  /** Lists, searches, exports, dashboards. */
  readonly reports: number
}

/**
 * While commits hang (a synchronous standby is missing), each holds its connection until it times out: so changes and
 * recording together never get the whole pool. Reports take long, and never get more than a fifth.
 */
export function sharesOf(poolMax: number): PoolShares {
  const reports = Math.max(1, Math.floor(poolMax / 5))
  const recording = poolMax < 6 ? 1 : 2
  return { reports, recording, changes: Math.max(1, poolMax - reports - recording - 1) }
}

interface Waiting {
  readonly resolve: () => void
  readonly timer: NodeJS.Timeout
}

/**
 * A view of a pool that lends at most `max` of its connections at once. After a connection broke it lends one at a time,
 * until one comes back whole: a commit that hangs in PostgreSQL keeps its session there after the node gave it up, and
 * retries would use up all sessions that PostgreSQL allows.
 */
export function createShare(pool: ConnectionPool, max: number, acquireTimeoutMs: number): ConnectionPool {
  const waiting: Waiting[] = []
  let limit = max
  let lent = 0

  function wake(): void {
    while (lent < limit && waiting.length > 0) {
      const next = waiting.shift()!
      clearTimeout(next.timer)
      lent++
      next.resolve()
    }
  }

  function giveBack(): void {
    lent--
    wake()
  }

  async function takePlace(): Promise<void> {
    if (lent < limit && waiting.length === 0) lent++
    else await waitForPlace()
  }

  function waitForPlace(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(place), 1)
        reject(new DatabaseUnavailableError('all connections for this use are busy'))
      }, acquireTimeoutMs)
      const place = { resolve, timer }
      waiting.push(place)
      wake()
    })
  }

  async function acquire(): Promise<GuardedClient> {
    await takePlace()
    try {
      return await pool.acquire().promise
    } catch (error) {
      giveBack()
      throw error
    }
  }

  return {
    acquire: () => ({ promise: acquire() }),
    release(connection) {
      const isReleased = pool.release(connection)
      limit = connection.__knex__disposed === undefined ? max : 1
      giveBack()
      return isReleased
    },
    // The pool is its owner's to destroy.
    destroy: async () => {},
    numUsed: () => lent,
    numFree: () => limit - lent,
    numPendingAcquires: () => waiting.length,
  }
}
