import type { Knex } from 'knex'
import { until } from './load.ts'

interface Queries {
  query(text: string): Promise<{ rows: unknown[] }>
}

/** The locks that are waited for in this database. The locks of other tests are in the same PostgreSQL. */
export const awaitedLocks = (knex: Knex) =>
  knex('pg_locks')
    .join('pg_database', 'oid', 'database')
    .where({ granted: false })
    .whereRaw('datname = current_database()')

/** Sessions of the server, not those of the test, that wait for a lock in this database. */
const WAITING = `SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'keywright server' AND wait_event_type = 'Lock'`

/** How many sessions wait for a lock in this database, also for a row that a transaction has locked. */
export async function countWaiting(knex: Knex): Promise<number> {
  const [row] = await knex('pg_stat_activity')
    .whereRaw(`datname = current_database() AND wait_event_type = 'Lock'`)
    .count('* AS waiting')
  return Number(row!.waiting)
}

/** Resolves when a statement of the server waits for a lock, or when the requests have been answered without that. */
export async function untilLocked(direct: Queries, requests: Promise<unknown>): Promise<void> {
  let over = false
  const end = () => {
    over = true
  }
  requests.then(end, end)
  await until(async () => over || (await direct.query(WAITING)).rows.length > 0)
}
