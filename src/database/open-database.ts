import knexFactory, { type Knex } from 'knex'
import pg from 'pg'
import { type DatabaseUrl, parseDatabaseUrl } from '../config/database-url.ts'
import { type Connection, type Connector, createConnector } from './connect.ts'
import { createDatabaseClock, type DatabaseClock } from './database-clock.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { abandonUnlessAtRest, type GuardedClient } from './guarded-client.ts'
import { type ConnectionPool, createShare, type PoolShares, sharesOf } from './pool-shares.ts'
import type { SessionLimits } from './session-settings.ts'

export interface DatabaseOptions {
  readonly poolMax?: number
  readonly poolMin?: number
  readonly statementTimeoutMs?: number
  readonly connectTimeoutMs?: number
  readonly applicationName?: string
  /** Off for PgBouncer in transaction mode: before 1.21 it knows no named statements, and it keeps no session. */
  readonly preparedStatements?: boolean
  /** Whether changes, recording and reports may each use a part of the pool only, as a server needs it. */
  readonly hasShares?: boolean
  onPoolError?(error: Error): void
}

export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
  /** The share of the pool that it runs in; absent for reads, which may use all of it. */
  readonly share?: keyof PoolShares
}

export interface Database {
  /** For transactions and whatever else changes something. */
  readonly knex: Knex
  /** For reads of a few rows, which are served also while commits hang. */
  readonly reader: Knex
  /** For lists, searches, exports and dashboards. */
  readonly reports: Knex
  /** One statement on a borrowed connection, prepared once per connection under its name: one name, one text. */
  query<Row>(statement: Statement): Promise<Row[]>
  poolState(): { used: number; free: number; pending: number }
  /** Hears the SQLSTATE of every error that PostgreSQL reports on any connection of this pool. */
  onServerError(listener: (code: string) => void): void
  readonly clock: DatabaseClock
  close(): Promise<void>
}

type ResolvedOptions = Required<DatabaseOptions>

const ACQUIRE_TIMEOUT_MS = 5000
const LOCK_TIMEOUT_MS = 5000
// Added to PostgreSQL's own limit for a statement: what is silent for longer is PostgreSQL itself, or the network.
const SILENCE_MS = 5000

function settle(options: DatabaseOptions): ResolvedOptions {
  return {
    poolMax: options.poolMax ?? 10,
    poolMin: options.poolMin ?? 0,
    statementTimeoutMs: options.statementTimeoutMs ?? 15_000,
    connectTimeoutMs: options.connectTimeoutMs ?? ACQUIRE_TIMEOUT_MS,
    applicationName: options.applicationName ?? 'keywright',
    preparedStatements: options.preparedStatements ?? true,
    hasShares: options.hasShares ?? false,
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

const answerTimeoutOf = ({ statementTimeoutMs }: ResolvedOptions): number => statementTimeoutMs + SILENCE_MS

const limitsOf = (settled: ResolvedOptions): SessionLimits => ({
  statementTimeoutMs: settled.statementTimeoutMs,
  lockTimeoutMs: LOCK_TIMEOUT_MS,
  idleInTransactionTimeoutMs: answerTimeoutOf(settled),
})

function poolOf(connector: Connector, options: ResolvedOptions): Knex.PoolConfig {
  return {
    min: options.poolMin,
    max: options.poolMax,
    acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS,
    createTimeoutMillis: options.connectTimeoutMs,
    // A connection to the primary of before would read what is no longer true.
    validate: (connection: Connection) => connector.isCurrent(connection),
  }
}

function toUrl(connection: string | EmbeddedPostgres['connection']): DatabaseUrl {
  if (typeof connection === 'string') return parseDatabaseUrl(connection)
  const { host, port, user, database } = connection
  return { hosts: [{ host, port }], user, database, sslMode: 'disable' }
}

const quiet = () => {}
// What Knex would print is also thrown or reported to onPoolError, and standard output belongs to commands.
const log = { warn: quiet, error: quiet, debug: quiet, deprecate: quiet }

function createKnex(connector: Connector, options: ResolvedOptions): Knex {
  const knex = knexFactory({
    client: 'pg',
    // Connections are opened by the connector; without this, knex would make no pool.
    connection: {},
    pool: poolOf(connector, options),
    log,
  })
  // Knex's own knows one host, and neither a standby nor libpq's meaning of sslmode.
  knex.client.acquireRawConnection = async () => {
    const connection = await connector.connect()
    knex.client.version = connection.serverVersion
    return connection
  }
  knex.client.pool.on('release', abandonUnlessAtRest)
  return knex
}

async function run<Row>(pool: Knex, options: ResolvedOptions, { name, text, values }: Statement): Promise<Row[]> {
  const connection: GuardedClient = await pool.client.acquireConnection()
  const named = options.preparedStatements ? { name } : {}
  try {
    return (await connection.query({ ...named, text, values })).rows as Row[]
  } finally {
    await pool.client.releaseConnection(connection)
  }
}

type Views = Record<keyof PoolShares, Knex>

/** Views of one pool that lend a bounded number of its connections each. */
function createViews(whole: Knex, { hasShares, poolMax }: ResolvedOptions): Views {
  if (!hasShares) return { changes: whole, recording: whole, reports: whole }
  const pool: ConnectionPool = whole.client.pool
  const view = (max: number) =>
    knexFactory({ client: 'pg', connectionPool: createShare(pool, max, ACQUIRE_TIMEOUT_MS) as never, log })
  const { changes, recording, reports } = sharesOf(poolMax)
  return { changes: view(changes), recording: view(recording), reports: view(reports) }
}

export function openDatabase(
  connection: string | EmbeddedPostgres['connection'],
  options: DatabaseOptions = {},
): Database {
  const settled = settle(options)
  const listeners: ((code: string) => void)[] = []
  const clock = createDatabaseClock()
  const connector = createConnector(toUrl(connection), {
    limits: settled.preparedStatements ? limitsOf(settled) : undefined,
    clock,
    hasFailover: typeof connection === 'string',
    onConnectionError: settled.onPoolError,
    onServerError: (code) => {
      for (const listener of listeners) listener(code)
    },
    client: {
      types,
      application_name: settled.applicationName,
      connectionTimeoutMillis: settled.connectTimeoutMs,
      query_timeout: answerTimeoutOf(settled),
    },
  })
  const whole = createKnex(connector, settled)
  const views = createViews(whole, settled)
  // Knex forgets its pool when it is destroyed; a last scrape of the metrics may still ask.
  const { pool } = whole.client
  return {
    knex: views.changes,
    reader: whole,
    reports: views.reports,
    query: (statement) => run(statement.share ? views[statement.share] : whole, settled, statement),
    poolState: () => ({ used: pool.numUsed(), free: pool.numFree(), pending: pool.numPendingAcquires() }),
    onServerError: (listener) => void listeners.push(listener),
    clock,
    async close() {
      // The whole pool waits for its borrowed connections. They come back through their views, which therefore end last.
      for (const pooled of new Set([whole, ...Object.values(views)])) await pooled.destroy()
    },
  }
}
