import type { Knex } from 'knex'

/** A token bucket: `burst` units at once, and one more after every `interval` seconds. */
export interface Bucket<Key> {
  readonly key: Key
  readonly burst: number
  readonly interval: number
}

/** The units that are left at once, in units of this size; or the seconds until the next one, at least 1. */
export type Taken = { readonly remaining: number } | { readonly wait: number }

interface LimiterStatement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

/** Runs one statement with the parameters $1 to $3. `Database.query` is one. */
export type RunStatement = <Row>(statement: LimiterStatement) => Promise<Row[]>

/** Knex binds names instead of `$n`. A name may occur several times, and each occurrence gets a type of its own. */
export const throughKnex =
  (db: Knex): RunStatement =>
  async ({ text, values }) => {
    const bindings = Object.fromEntries(values.map((value, index) => [`p${index + 1}`, value]))
    return (await db.raw(text.replace(/\$(\d)/g, ':p$1'), bindings as never)).rows
  }

// The parameters: $1 the key, $2 the seconds that this request costs, $3 the seconds of a full bucket.
const COST = 'make_interval(secs => CAST($2 AS float8))'
const FULL = 'make_interval(secs => CAST($3 AS float8))'

/** A table with one row per bucket: the key, and the theoretical arrival time as `arrival_at`. */
export interface RateLimitTable {
  readonly table: string
  readonly keyColumn: string
  readonly keyType: 'bigint' | 'bytea'
}

// The commit does not wait for the disk or a standby: a crash lets a few more requests pass, while a missing standby would
// otherwise hold up every limited request, reads included. clock_timestamp() is read after the wait for the row lock
// (now() would be the start of the statement), so that concurrent requests on any number of nodes are counted one by one.
const takeSql = ({ table, keyColumn, keyType }: RateLimitTable): string => `
  INSERT INTO ${table} AS l (${keyColumn}, arrival_at)
  SELECT CAST($1 AS ${keyType}), clock_timestamp() + ${COST} FROM set_config('synchronous_commit', 'off', true)
  ON CONFLICT (${keyColumn}) DO UPDATE
     SET arrival_at = greatest(l.arrival_at, clock_timestamp()) + ${COST}
   WHERE greatest(l.arrival_at, clock_timestamp()) + ${COST} <= clock_timestamp() + ${FULL}
  RETURNING CAST(floor((CAST($3 AS float8) - CAST(extract(epoch FROM l.arrival_at - clock_timestamp()) AS float8))
                       / CAST($2 AS float8)) AS int) AS remaining`

const waitSql = ({ table, keyColumn, keyType }: RateLimitTable): string => `
  SELECT CAST(extract(epoch FROM arrival_at + ${COST} - ${FULL} - clock_timestamp()) AS float8) AS seconds
    FROM ${table} WHERE ${keyColumn} = CAST($1 AS ${keyType})`

/** Takes from one bucket, which all nodes share. */
export type TakeFromBucket<Key> = (run: RunStatement, bucket: Bucket<Key>, cost?: number) => Promise<Taken>

/**
 * The generic cell rate algorithm (ITU-T I.371) over one table. Taking a unit is one statement; a rejected request needs
 * a second one, for its waiting time.
 */
export function createRateLimiter<Key>(table: RateLimitTable): TakeFromBucket<Key> {
  const take = { name: `${table.table}-take`, text: takeSql(table) }
  const wait = { name: `${table.table}-wait`, text: waitSql(table) }
  return async (run, { key, burst, interval }, cost = 1) => {
    const values = [key, interval * cost, burst * interval]
    const [taken] = await run<{ remaining: number }>({ ...take, values })
    if (taken) return { remaining: taken.remaining }
    const [rejected] = await run<{ seconds: number }>({ ...wait, values })
    return { wait: Math.max(1, Math.ceil(rejected?.seconds ?? 1)) }
  }
}
