import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { sharesOf } from '../../src/database/pool-shares.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { together, until } from '../support/load.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

let empty: TestDatabase
let database: Database

beforeAll(async () => {
  empty = await createEmptyDatabase()
  database = openDatabase(empty.url, { poolMax: 10, hasShares: true })
})

afterAll(async () => {
  await database.close()
  await empty.drop()
})

const read = () => database.query({ name: 'one', text: 'SELECT 1 AS one', values: [] })

/** Transactions that stay open until `end`. */
async function openTransactions(count: number) {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const all = together(count, () => database.knex.transaction(() => ended))
  const failed = all.catch(() => {})
  return {
    async end() {
      end()
      await failed
    },
    all,
  }
}

test.each([4, 5, 6, 10, 20, 100])('of %i connections, changes and reports always leave one for other reads', (max) => {
  const { changes, recording, reports } = sharesOf(max)
  expect(changes).toBeGreaterThanOrEqual(1)
  expect(changes + recording + reports).toBeLessThan(max)
})

test('twelve reports use no more connections than their share', async () => {
  const reports = together(12, () => database.reports.raw('SELECT pg_sleep(0.1)'))
  let most = 0
  let isDone = false
  reports.then(() => {
    isDone = true
  })
  await until(async () => {
    most = Math.max(most, database.poolState().used)
    return isDone
  })
  expect(most).toBe(sharesOf(10).reports)
})

test('reads and reports are served while every connection for changes is busy', async () => {
  const busy = await openTransactions(30)
  await until(() => database.poolState().used === sharesOf(10).changes)
  expect(await read()).toEqual([{ one: 1 }])
  expect((await database.reader.raw('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  expect((await database.reports.raw('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await busy.end()
  await until(() => database.poolState().used === 0)
})

test('a change that waits in vain for a connection fails as database unavailable', async () => {
  const busy = await openTransactions(sharesOf(10).changes)
  const error = await database.knex.raw('SELECT 1').catch((thrown: unknown) => thrown)
  expect(isDatabaseUnavailable(error)).toBe(true)
  await busy.end()
  await database.knex.raw('SELECT 1')
})

test('after a connection broke, changes use one connection until one comes back whole', async () => {
  const broken = await database.knex.client.acquireConnection()
  broken.abandon(new Error('for the test'))
  await database.knex.client.releaseConnection(broken)
  const busy = await openTransactions(3)
  await until(() => database.poolState().used === 1)
  await read()
  expect(database.poolState().used).toBe(1)
  await busy.end()
  await busy.all
  const again = await openTransactions(3)
  await until(() => database.poolState().used === 3)
  await again.end()
})
