import type { Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { until } from '../support/load.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import { startTcpProxy, type TcpProxy, throughProxy } from '../support/tcp-proxy.ts'

let empty: TestDatabase
let direct: pg.Client

beforeAll(async () => {
  empty = await createEmptyDatabase()
  direct = new pg.Client(empty.url)
  await direct.connect()
  await direct.query('CREATE TABLE marks (mark text PRIMARY KEY)')
})

afterAll(async () => {
  await direct.end()
  await empty.drop()
})

const insert = (mark: string) => ({ name: 'insert', text: 'INSERT INTO marks VALUES ($1)', values: [mark] })
const marks = async (prefix: string): Promise<string[]> =>
  (await direct.query('SELECT mark FROM marks WHERE mark LIKE $1 ORDER BY 1', [`${prefix}%`])).rows.map(
    (row) => row.mark,
  )

const one = { name: 'one', text: 'SELECT 1', values: [] }

/**
 * A database whose network can be stalled. It has one connection, so that the next statement gets what the last one left
 * behind. `outlast` resolves when everything that was sent before has timed out.
 */
async function throughStallable(
  use: (database: Database, proxy: TcpProxy, outlast: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const proxy = await startTcpProxy(empty.url)
  const open = () => openDatabase(throughProxy(empty.url, proxy), { poolMax: 1, statementTimeoutMs: 200 })
  const [database, other] = [open(), open()]
  try {
    await Promise.all([database.query(one), other.query(one)])
    await use(database, proxy, () => other.query(one).catch(() => {}))
  } finally {
    proxy.release()
    await Promise.all([database.close(), other.close()])
    await proxy.cut()
  }
}

type Stalled = (database: Database, stall: () => void) => Promise<unknown>

const inTransaction =
  (work: (trx: Knex.Transaction, stall: () => void) => Promise<unknown>): Stalled =>
  (database, stall) =>
    database.knex.transaction((trx) => work(trx, stall))

const STALLED: Record<string, Stalled> = {
  'a statement': (database, stall) => {
    stall()
    return database.query(insert('stalled statement'))
  },
  'a statement of Knex': (database, stall) => {
    stall()
    return database.knex('marks').insert({ mark: 'stalled Knex' })
  },
  BEGIN: (database, stall) => {
    stall()
    return database.knex.transaction((trx) => trx('marks').insert({ mark: 'stalled BEGIN' }))
  },
  'a statement in a transaction': inTransaction(async (trx, stall) => {
    await trx('marks').insert({ mark: 'first' })
    stall()
    await trx('marks').insert({ mark: 'second' })
  }),
  COMMIT: inTransaction(async (trx, stall) => {
    await trx('marks').insert({ mark: 'stalled COMMIT' })
    stall()
  }),
  ROLLBACK: inTransaction(async (_trx, stall) => {
    stall()
    throw Object.assign(new Error('taken back'), { code: '08000' })
  }),
}

test.concurrent.each(Object.keys(STALLED))(
  'after %s was stalled and its connection released, every answered statement is committed',
  async (kind) => {
    await throughStallable(async (database, proxy, outlast) => {
      const error = await STALLED[kind]!(database, () => proxy.stall()).catch((thrown: unknown) => thrown)
      expect(isDatabaseUnavailable(error), String(error)).toBe(true)
      // Knex sends ROLLBACK after the failure.
      await outlast()
      proxy.release()
      for (let n = 0; n < 5; n++) await database.query(insert(`after ${kind}: ${n}`))
      expect(await marks(`after ${kind}: `)).toHaveLength(5)
    })
  },
)

const sessions = { text: 'SELECT pid FROM pg_stat_activity WHERE application_name = $1' }
const isGone = (name: string) => async () => (await direct.query({ ...sessions, values: [name] })).rows.length === 0

test('the socket of a connection that is given up is closed at once', async () => {
  const database = openDatabase(empty.url, { poolMax: 1, applicationName: 'given up' })
  const connection = await database.knex.client.acquireConnection()
  connection.abandon(new Error('for the test'))
  await until(isGone('given up'))
  await database.knex.client.releaseConnection(connection)
  await database.query(insert('another connection'))
  await database.close()
})

test('a connection that is released inside a transaction is closed, and its transaction is rolled back', async () => {
  const database = openDatabase(empty.url, { poolMax: 1, applicationName: 'released early' })
  const connection = await database.knex.client.acquireConnection()
  await connection.query('BEGIN')
  await connection.query(insert('released early'))
  await database.knex.client.releaseConnection(connection)
  await until(isGone('released early'))
  await database.query(insert('released early, next'))
  expect(await marks('released early')).toEqual(['released early, next'])
  await database.close()
})

test('a statement that finds itself inside a foreign transaction fails, and is not answered', async () => {
  const database = openDatabase(empty.url, { poolMax: 1 })
  const connection = await database.knex.client.acquireConnection()
  await database.knex.client.releaseConnection(connection)
  // Behind the guard's back, as a pooler between might do it.
  await (pg.Client.prototype.query as (text: string) => Promise<unknown>).call(connection, 'BEGIN')
  const error = await database.query(insert('foreign')).catch((thrown) => thrown)
  expect(error).toMatchObject({ code: '08P01' })
  expect(isDatabaseUnavailable(error)).toBe(true)
  await database.query(insert('own'))
  expect(await marks('foreign')).toEqual([])
  expect(await marks('own')).toEqual(['own'])
  await database.close()
})

test('a transaction goes on after a nested one, whether that was committed or rolled back', async () => {
  const database = openDatabase(empty.url, { poolMax: 1 })
  await database.knex.transaction(async (trx) => {
    await trx.transaction((nested) => nested('marks').insert({ mark: 'nested 1' }))
    await trx.transaction((nested) => nested('marks').insert({ mark: 'nested 1' })).catch(() => {})
    await trx('marks').insert({ mark: 'nested 2' })
  })
  expect(await marks('nested')).toEqual(['nested 1', 'nested 2'])
  await database.close()
})

test('a commit that PostgreSQL turns into a rollback fails', async () => {
  const database = openDatabase(empty.url, { poolMax: 1 })
  const swallowed = database.knex.transaction(async (trx) => {
    await trx('marks').insert({ mark: 'swallowed' })
    await trx.raw('SELECT 1 / 0').catch(() => {})
  })
  await expect(swallowed).rejects.toMatchObject({ code: '08007' })
  await database.close()
})

const IDLE = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`

test('PostgreSQL ends a transaction whose node went silent', async () => {
  const database = openDatabase(empty.url, { poolMax: 1, statementTimeoutMs: 200 })
  const { rows } = await database.knex.raw('SHOW idle_in_transaction_session_timeout')
  expect(rows).toEqual([{ idle_in_transaction_session_timeout: '5200ms' }])
  const silent = database.knex.transaction(async (trx) => {
    await trx.raw("SET LOCAL idle_in_transaction_session_timeout = '20ms'")
    await until(async () => (await direct.query(IDLE)).rowCount === 0)
    await trx('marks').insert({ mark: 'too late' })
  })
  await expect(silent).rejects.toSatisfy((error) => isDatabaseUnavailable(error))
  expect(await marks('too late')).toEqual([])
  await database.close()
})
