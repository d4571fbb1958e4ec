import knexFactory, { type Knex } from 'knex'
import pg from 'pg'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { isDatabaseUnavailable } from './unavailable.ts'

export interface DatabaseOptions {
  readonly poolMax?: number
  readonly poolMin?: number
  readonly statementTimeoutMs?: number
  readonly connectTimeoutMs?: number
  readonly applicationName?: string
  /** Off for PgBouncer in transaction mode: before 1.21 it knows no named statements, and it keeps no session. */
  readonly preparedStatements?: boolean
  onPoolError?(error: Error): void
}

export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

export interface Database {
  readonly knex: Knex
  /** One statement on a borrowed connection, prepared once per connection under its name: one name, one text. */
  query<Row>(statement: Statement): Promise<Row[]>
  poolState(): { used: number; free: number; pending: number }
  close(): Promise<void>
}

type Settled = Required<DatabaseOptions>
/** What knex notes on a connection that its pool must not hand out again. */
type Connection = pg.Client & { __knex__disposed?: unknown }

const ACQUIRE_TIMEOUT_MS = 5000
const LOCK_TIMEOUT_MS = 5000
// Longer than PostgreSQL's own limit, so that it speaks only when PostgreSQL, or the way to it, no longer answers.
const SILENCE_MS = 5000

function settle(options: DatabaseOptions): Settled {
  return {
    poolMax: options.poolMax ?? 10,
    poolMin: options.poolMin ?? 0,
    statementTimeoutMs: options.statementTimeoutMs ?? 15_000,
    connectTimeoutMs: options.connectTimeoutMs ?? ACQUIRE_TIMEOUT_MS,
    applicationName: options.applicationName ?? 'keywright',
    preparedStatements: options.preparedStatements ?? true,
    onPoolError: options.onPoolError ?? (() => {}),
  }
}

function parseInt8(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

/** For these connections only: node-postgres' own table is the whole process's, and not ours to change. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === pg.types.builtins.INT8 ? parseInt8 : pg.types.getTypeParser(oid, format as 'text')
  },
}

/**
 * Limits are set by a statement, because PgBouncer refuses them as parameters of the connection's start. Without
 * sessions of our own (`preparedStatements: false`) there are none: a SET would fall on whichever connection the pooler
 * picks, and stay on it. There the role's own settings serve: ALTER ROLE … SET statement_timeout, and SET jit = off.
 */
async function prepareSession(connection: Connection, options: Settled): Promise<void> {
  connection.on('error', options.onPoolError)
  if (!options.preparedStatements) return
  // Nothing here runs for long enough to be worth compiling, which over many partitions takes a second.
  const limits = `SET statement_timeout = ${options.statementTimeoutMs}; SET lock_timeout = ${LOCK_TIMEOUT_MS}; SET jit = off`
  try {
    await connection.query(limits)
  } catch (error) {
    // The pool forgets a connection that it could not prepare; unended it would stay open for good.
    connection.end().catch(() => {})
    throw error
  }
}

function poolOf(options: Settled): Knex.PoolConfig {
  return {
    min: options.poolMin,
    max: options.poolMax,
    acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS,
    createTimeoutMillis: options.connectTimeoutMs,
    afterCreate(connection: Connection, done: (error: Error | null) => void) {
      prepareSession(connection, options).then(() => done(null), done)
    },
  }
}

function createKnex(connection: string | EmbeddedPostgres['connection'], options: Settled): Knex {
  const where = typeof connection === 'string' ? { connectionString: connection } : connection
  const quiet = () => {}
  return knexFactory({
    client: 'pg',
    connection: {
      ...where,
      types,
      application_name: options.applicationName,
      connectionTimeoutMillis: options.connectTimeoutMs,
      keepAlive: true,
      query_timeout: options.statementTimeoutMs + SILENCE_MS,
    } as Knex.PgConnectionConfig,
    pool: poolOf(options),
    // What it would print is thrown or told to onPoolError as well, and standard output belongs to commands.
    log: { warn: quiet, error: quiet, debug: quiet, deprecate: quiet },
  })
}

async function run<Row>(knex: Knex, options: Settled, { name, text, values }: Statement): Promise<Row[]> {
  const connection: Connection = await knex.client.acquireConnection()
  const named = options.preparedStatements ? { name } : {}
  const query = { ...named, text, values }
  try {
    return (await connection.query(query)).rows as Row[]
  } catch (error) {
    // The error comes before the connection's end does; until then the pool would lend it to the next.
    if (isDatabaseUnavailable(error)) connection.__knex__disposed = error
    throw error
  } finally {
    await knex.client.releaseConnection(connection)
  }
}

export function openDatabase(
  connection: string | EmbeddedPostgres['connection'],
  options: DatabaseOptions = {},
): Database {
  const settled = settle(options)
  const knex = createKnex(connection, settled)
  // Knex forgets its pool when it is destroyed; a last scrape of the metrics may still ask.
  const { pool } = knex.client
  return {
    knex,
    query: (statement) => run(knex, settled, statement),
    poolState: () => ({ used: pool.numUsed(), free: pool.numFree(), pending: pool.numPendingAcquires() }),
    close: () => knex.destroy(),
  }
}
