import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { isUniqueViolation } from '../../src/database/violations.ts'
import { until } from '../support/load.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

let empty: TestDatabase
let database: Database
const poolErrors: Error[] = []

beforeAll(async () => {
  empty = await createEmptyDatabase()
  const onPoolError = (error: Error) => poolErrors.push(error)
  database = openDatabase(empty.url, { poolMax: 2, statementTimeoutMs: 500, onPoolError })
})

afterAll(async () => {
  await database.close()
  await empty.drop()
})

const countPrepared = { name: '', text: 'SELECT count(*) AS n FROM pg_prepared_statements WHERE name = $1' }

test('a statement is prepared under its name, and its connection goes back to the pool', async () => {
  const single = openDatabase(empty.url, { poolMax: 1 })
  const add = { name: 'add', text: 'SELECT $1::int + $2::int AS sum' }
  expect(await single.query<{ sum: number }>({ ...add, values: [1, 2] })).toEqual([{ sum: 3 }])
  expect(await single.query<{ sum: number }>({ ...add, values: [3, 4] })).toEqual([{ sum: 7 }])
  expect(await single.query({ ...countPrepared, name: 'count', values: ['add'] })).toEqual([{ n: 1 }])
  expect(single.poolState()).toEqual({ used: 0, free: 1, pending: 0 })
  await single.close()
})

test('without prepared statements none has a name, and no session keeps a setting', async () => {
  const single = openDatabase(empty.url, { poolMax: 1, preparedStatements: false })
  await single.query({ name: 'add', text: 'SELECT $1::int', values: [1] })
  expect(await single.query({ ...countPrepared, values: ['add'] })).toEqual([{ n: 0 }])
  const [setting] = await single.query({ name: 'limit', text: 'SHOW statement_timeout', values: [] })
  expect(setting).toEqual({ statement_timeout: '0' })
  await single.close()
})

test('a statement that takes too long is ended by PostgreSQL, and that is not unavailability', async () => {
  const error = await database.query({ name: 'slow', text: 'SELECT pg_sleep(2)', values: [] }).catch((error) => error)
  expect(error).toMatchObject({ code: '57014' })
  expect(isDatabaseUnavailable(error)).toBe(false)
  const { rows } = await database.knex.raw('SHOW lock_timeout')
  expect(rows).toEqual([{ lock_timeout: '5s' }])
})

test('a bigint is a number while that is exact, for these connections only', async () => {
  const text = 'SELECT 42::bigint AS small, 9007199254740993::bigint AS large'
  const [row] = await database.query({ name: 'bigints', text, values: [] })
  expect(row).toEqual({ small: 42, large: '9007199254740993' })
  expect((await database.knex.raw(text)).rows).toEqual([row])
  expect(pg.types.getTypeParser(pg.types.builtins.INT8)('42')).toBe('42')
})

test('a connection that PostgreSQL ended is never lent again', async () => {
  const kill = { name: 'kill', text: 'SELECT pg_terminate_backend(pg_backend_pid())', values: [] }
  const error = await database.query(kill).catch((error) => error)
  expect(isDatabaseUnavailable(error)).toBe(true)
  for (let i = 0; i < 5; i++) await database.query({ name: 'one', text: 'SELECT 1', values: [] })
  await expect(database.knex.raw(kill.text)).rejects.toSatisfy((error) => isDatabaseUnavailable(error))
  // Knex itself hears of the end of a connection a moment after the error, later on a busy machine.
  await until(() =>
    database.knex.raw('SELECT 1').then(
      () => true,
      () => false,
    ),
  )
  for (let i = 0; i < 5; i++) await database.knex.raw('SELECT 1')
})

test('a pool that is used up says within seconds that the database is unavailable', async () => {
  const single = openDatabase(empty.url, { poolMax: 1 })
  const transaction = await single.knex.transaction()
  const began = performance.now()
  const error = await single.query({ name: 'one', text: 'SELECT 1', values: [] }).catch((error) => error)
  expect(isDatabaseUnavailable(error)).toBe(true)
  expect(performance.now() - began).toBeLessThan(45_000)
  await transaction.rollback()
  await single.close()
})

test('a database that was closed says that it is unavailable', async () => {
  const closed = openDatabase(empty.url)
  await closed.close()
  const error = await closed.query({ name: 'one', text: 'SELECT 1', values: [] }).catch((error) => error)
  expect(isDatabaseUnavailable(error)).toBe(true)
  expect(closed.poolState().used).toBe(0)
})

test('a database that is closed waits for the transactions under way and ends their connections', async () => {
  const shared = openDatabase(empty.url, { hasShares: true })
  const transactions = await Promise.all([shared.knex, shared.reader, shared.reports].map((view) => view.transaction()))
  const closed = shared.close()
  for (const transaction of transactions) {
    await transaction.raw('SELECT 1')
    await transaction.commit()
  }
  await closed
  expect(shared.poolState()).toEqual({ used: 0, free: 0, pending: 0 })
})

test('violations are distinguished, also by the violated constraint', async () => {
  await database.knex.raw(`
    CREATE TABLE parent (id integer CONSTRAINT parent_key PRIMARY KEY, n integer CONSTRAINT small CHECK (n < 10));
    CREATE TABLE child (parent_id integer CONSTRAINT child_parent REFERENCES parent (id));
    INSERT INTO parent VALUES (1, 1)`)
  const failure = (text: string) => database.query({ name: '', text, values: [] }).catch((error: unknown) => error)
  const twice = await failure('INSERT INTO parent VALUES (1, 1)')
  expect([isUniqueViolation(twice), isUniqueViolation(twice, 'parent_key')]).toEqual([true, true])
  expect(isUniqueViolation(twice, 'other')).toBe(false)
  expect(isUniqueViolation(await failure('INSERT INTO child VALUES (2)'))).toBe(false)
  expect(isUniqueViolation(undefined)).toBe(false)
})
