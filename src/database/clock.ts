import type { Clock } from '../shared/clock.ts'
import type { Database } from './open.ts'

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

const NOW = `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`

/** Compares this machine's clock with the database's. */
export async function readDatabaseClock(database: Database): Promise<void> {
  const askedAt = performance.now()
  const [row] = await database.query<{ now: number }>({ name: 'clock', text: NOW, values: [] })
  database.clock.read(row!.now, askedAt)
}

/** Milliseconds from which a difference is worth a warning, and from which the node is not ready. */
const WARN_FROM = 2000
const UNREADY_FROM = 30_000

function describeSkew(skew: number): string {
  const seconds = Math.round(Math.abs(skew) / 100) / 10
  return `this machine's clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the database's; synchronize both (NTP)`
}

/** Undefined: the clocks agree well enough. */
export function clockWarning({ clock }: Database): string | undefined {
  return Math.abs(clock.skew()) >= WARN_FROM ? describeSkew(clock.skew()) : undefined
}

/** @throws Error while the clocks differ by so much that callers and nodes disagree about which tokens are valid */
export function checkClock({ clock }: Database): void {
  if (Math.abs(clock.skew()) >= UNREADY_FROM) throw new Error(describeSkew(clock.skew()))
}
