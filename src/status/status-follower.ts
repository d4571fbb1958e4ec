import type { Database } from '../database/open-database.ts'
import { currentCursor, type FeedCursor } from './feed-cursors.ts'
import { readChanges, type StatusChanges } from './status-changes.ts'

export interface StatusListener {
  onChanges(changes: StatusChanges): void
  /** The feed lost its continuity: revocations may be missing from what was known, and following started again. */
  onLost(): void
}

/** Milliseconds between two polls. On average, half of it is added to the time until the feed sends a revocation. */
const POLL_INTERVAL = 150

/**
 * Follows the revocations of every node by polling the table `revocations`. Polls only while there are listeners. One poll
 * runs at a time.
 */
export class StatusFollower {
  readonly #db: Database
  readonly #listeners = new Set<StatusListener>()
  /** Undefined while nobody listens, and before the first poll. */
  #cursor: FeedCursor | undefined
  /** When the last successful poll started, by `performance.now()`. */
  #polledAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #running: Promise<FeedCursor> | undefined
  /** The poll after the running one, shared by all who wait for it. */
  #next: Promise<FeedCursor> | undefined
  #isStopped = false

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Adds a listener. It receives every revocation that is committed after the next `catchUp` resolved. Returns a function
   * that removes the listener.
   */
  listen(listener: StatusListener): () => void {
    this.#listeners.add(listener)
    this.#schedule()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#cursor = undefined
    }
  }

  /** Resolves with a cursor that was read after this call. @throws the errors of the database */
  catchUp(): Promise<FeedCursor> {
    if (!this.#running) return this.#startPoll()
    // The running poll may not see what this caller waits for.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.catchUp()
      })
    return this.#next
  }

  /** The listeners have received everything up to this cursor. */
  cursor(): FeedCursor | undefined {
    return this.#cursor
  }

  /** Milliseconds since everything committed was known. */
  behind(): number {
    return performance.now() - this.#polledAt
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running?.catch(() => undefined)
  }

  #startPoll(): Promise<FeedCursor> {
    this.#running = this.#poll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #poll(): Promise<FeedCursor> {
    if (!this.#cursor) return await this.#restart()
    const startedAt = performance.now()
    const found = await readChanges(this.#db, this.#cursor)
    if (!found) {
      const cursor = await this.#restart()
      for (const listener of this.#listeners) listener.onLost()
      return cursor
    }
    this.#cursor = found.cursor
    this.#polledAt = startedAt
    for (const listener of this.#listeners) listener.onChanges(found)
    return found.cursor
  }

  /** Starts following at the present state of the database. */
  async #restart(): Promise<FeedCursor> {
    const startedAt = performance.now()
    this.#cursor = await currentCursor(this.#db)
    this.#polledAt = startedAt
    return this.#cursor
  }

  #schedule(): void {
    if (this.#timer || this.#isStopped || this.#listeners.size === 0) return
    this.#timer = setTimeout(async () => {
      // After a failure the cursor stays where it is, so the next poll reads what this one missed.
      await (this.#running ?? this.catchUp()).catch(() => undefined)
      this.#timer = undefined
      this.#schedule()
    }, POLL_INTERVAL)
    this.#timer.unref()
  }
}
