import type { Database } from '../database/open-database.ts'
import { currentCursor, type FeedCursor } from './feed-cursors.ts'
import { readChanges, type StatusChanges } from './status-changes.ts'

export interface StatusListener {
  onChanges(changes: StatusChanges): void
  /** The thread was lost: what was known may lack something, and following began anew. */
  onLost(): void
}

/** Follows, for this process, what any node revokes, while somebody listens. */
export interface StatusFollower {
  /** Answers how to stop. What is committed after `caughtUp` was waited for, the listener is told. */
  listen(listener: StatusListener): () => void
  /** Waits until the position is one that was taken after this was called. @throws what the database does */
  caughtUp(): Promise<FeedCursor>
  /** How far it has come; undefined while nobody listens. */
  cursor(): FeedCursor | undefined
  /** Milliseconds since that was so. */
  behind(): number
  stop(): Promise<void>
}

/** Milliseconds between two looks: half of it is what the feed adds to the time until a revocation arrives. */
const LOOK_EVERY = 150

export function createStatusFollower(db: Database): StatusFollower {
  const listeners = new Set<StatusListener>()
  let cursor: FeedCursor | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let running: Promise<FeedCursor> | undefined
  let next: Promise<FeedCursor> | undefined
  let stopped = false

  async function begin(): Promise<FeedCursor> {
    const startedAt = performance.now()
    cursor = await currentCursor(db)
    lookedAt = startedAt
    return cursor
  }

  async function look(): Promise<FeedCursor> {
    if (!cursor) return await begin()
    const startedAt = performance.now()
    const found = await readChanges(db, cursor)
    if (!found) {
      await begin()
      for (const listener of listeners) listener.onLost()
      return cursor
    }
    cursor = found.cursor
    lookedAt = startedAt
    for (const listener of listeners) listener.onChanges(found)
    return cursor
  }

  /** One look at a time; who comes while one is under way may want what it no longer sees, and shares the next. */
  function lookAfterThis(): Promise<FeedCursor> {
    if (!running) {
      running = look().finally(() => {
        running = undefined
      })
      return running
    }
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return lookAfterThis()
      })
    return next
  }

  function schedule(): void {
    if (timer || stopped || listeners.size === 0) return
    timer = setTimeout(async () => {
      // A database that does not answer is asked again: the position stays, and with it nothing is lost.
      await (running ?? lookAfterThis()).catch(() => undefined)
      timer = undefined
      schedule()
    }, LOOK_EVERY)
    timer.unref()
  }

  return {
    listen(listener) {
      listeners.add(listener)
      schedule()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) cursor = undefined
      }
    },
    caughtUp: lookAfterThis,
    cursor: () => cursor,
    behind: () => performance.now() - lookedAt,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running?.catch(() => undefined)
    },
  }
}
