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
 * Between two readings it goes on with the monotonic clock, which nobody sets. A reading is as uncertain as half of the time
 * that it took; one that is less certain than the difference that it shows changes nothing.
 */
export function createDatabaseClock(): DatabaseClock {
  let offset = Date.now() - performance.now()

  return {
    now: () => Math.round(performance.now() + offset),
    skew: () => Date.now() - Math.round(performance.now() + offset),
    read(databaseTime, askedAt) {
      const arrivedAt = performance.now()
      const uncertainty = (arrivedAt - askedAt) / 2
      const next = databaseTime - (askedAt + arrivedAt) / 2
      if (Math.abs(next - offset) > uncertainty) offset = next
    },
  }
}
