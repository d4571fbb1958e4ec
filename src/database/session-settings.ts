import type pg from 'pg'
import type { DatabaseClock } from './database-clock.ts'
import { parseTimeline, SET_TIMELINE, TIMELINE, type Timeline } from './latest-timeline.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

/** In milliseconds. */
export interface SessionLimits {
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
  readonly idleInTransactionTimeoutMs: number
}

export interface SessionRules {
  /**
   * Undefined behind a pooler that lends its sessions by transaction: a SET would apply to any of them, and stay on it. There
   * the role has the settings (docs/operating/database-connections.md).
   */
  readonly limits: SessionLimits | undefined
  /** Set by each connection. */
  readonly clock: DatabaseClock
}

/**
 * Settings that the code depends on, whatever the role, the database or postgresql.conf says. A transaction that waited
 * for a row must see the row as it is then, which other isolation levels forbid. Text forms are those that node-postgres
 * reads. `synchronous_commit` only rises: `remote_apply` stays.
 */
const SET = `
  SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET bytea_output = 'hex';
  SET standard_conforming_strings = on; SET extra_float_digits = 1; SET array_nulls = on;
  SET transform_null_equals = off; SET default_transaction_isolation = 'read committed';
  SET default_transaction_deferrable = off;
  SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');`

/**
 * Set by a statement, because PgBouncer refuses them at the start of a connection. When a node dies or loses its network
 * inside a transaction, PostgreSQL ends that transaction and frees its locks. No statement here runs long enough to be worth
 * compiling, which takes a second over many partitions.
 */
const setLimits = ({ statementTimeoutMs, lockTimeoutMs, idleInTransactionTimeoutMs }: SessionLimits): string => `
  SET statement_timeout = ${statementTimeoutMs}; SET lock_timeout = ${lockTimeoutMs};
  SET idle_in_transaction_session_timeout = ${idleInTransactionTimeoutMs}; SET jit = off;`

/** What PgBouncer takes at the start of a connection too, and applies to each session that it lends. */
export const STARTUP_SETTINGS = { datestyle: 'ISO, MDY', timezone: 'UTC', standard_conforming_strings: 'on' }

const REQUIRED = {
  DateStyle: /^ISO/,
  standard_conforming_strings: /^on$/,
  array_nulls: /^on$/,
  transform_null_equals: /^off$/,
  default_transaction_isolation: /^read committed$/,
  synchronous_commit: /^(?!off$|local$)/,
}

const INSTEAD: Record<keyof typeof REQUIRED, string> = {
  DateStyle: "'ISO, MDY'",
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_transaction_isolation: "'read committed'",
  synchronous_commit: 'on',
}

const LOOK = `
  SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only, current_user AS role,
         extract(epoch FROM clock_timestamp())::float8 * 1000 AS now, current_setting('server_encoding') AS encoding,
         current_setting('server_version') AS version, ${TIMELINE} AS timeline,
         json_build_object(${Object.keys(REQUIRED)
           .map((name) => `'${name}', current_setting('${name}')`)
           .join(', ')}) AS settings`

interface Look {
  readonly standby: boolean
  readonly read_only: boolean
  readonly role: string
  readonly now: number
  readonly encoding: string
  readonly version: string
  readonly timeline: string | null
  readonly settings: Record<keyof typeof REQUIRED, string>
}

/** Undefined: this session can be worked with. */
function fieldErrorOf({ standby, read_only, role, encoding, settings }: Look): string | undefined {
  if (standby) return 'it is a standby; Keywright needs the primary'
  if (read_only) return 'its sessions are read-only (default_transaction_read_only); Keywright has to write'
  if (encoding !== 'UTF8') return `the database's encoding is ${encoding}; create one with ENCODING 'UTF8'`
  const wrong = (Object.keys(REQUIRED) as (keyof typeof REQUIRED)[]).find(
    (name) => !REQUIRED[name].test(settings[name]),
  )
  return wrong && `${wrong} is ${settings[wrong]}; run: ALTER ROLE "${role}" SET ${wrong} = ${INSTEAD[wrong]}`
}

export interface CheckedSession {
  /** PostgreSQL's. */
  readonly version: string
  readonly timeline: Timeline | undefined
}

/**
 * Makes a new connection's session what the code expects, in one round trip.
 * @throws DatabaseUnavailableError on a standby, a read-only session, or settings that cannot be worked with
 */
export async function checkSession(client: pg.Client, { limits, clock }: SessionRules): Promise<CheckedSession> {
  const askedAt = performance.now()
  const results: unknown = await client.query((limits ? SET + setLimits(limits) : '') + SET_TIMELINE + LOOK)
  const last = [results].flat().at(-1) as pg.QueryResult<Look>
  const look = last.rows[0]!
  const fieldError = fieldErrorOf(look)
  if (fieldError) throw new DatabaseUnavailableError(fieldError)
  clock.read(look.now, askedAt)
  return { version: look.version, timeline: parseTimeline(look.timeline) }
}
