import type { Clock } from '../shared/clock.ts'

/** The time as the database has it, so that all nodes agree about ages and about when a key begins to sign. */
export interface DatabaseClock extends Clock {
  /** Milliseconds since 1970. Before the first connection, this machine's own. */
  now(): number
  /** How far this machine's clock is ahead of the database's, in milliseconds; negative when it is behind. */
  skew(): number
  /** Takes a reading that was asked for at `askedAt` of `performance.now()` and has just come. */
  read(databaseTime: number, askedAt: number): void
}

/**
 * Between two readings it goes on with the monotonic clock, which nobody sets. The database read its clock at some moment
 * between the request and the response, so each reading proves a range: the clock moves to the nearest end of it. The middle
 * of the range would make an exact clock wrong by half of the time that a slow reading took.
 */
export function createDatabaseClock(): DatabaseClock {
  let offset = Date.now() - performance.now()

  return {
    now: () => Math.round(performance.now() + offset),
    skew: () => Date.now() - Math.round(performance.now() + offset),
    read(databaseTime, askedAt) {
      offset = Math.min(Math.max(offset, databaseTime - performance.now()), databaseTime - askedAt)
    },
  }
}
