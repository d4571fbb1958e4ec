import type { Database } from './open-database.ts'

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
