import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createUsage, deleteOldUsage, deleteOldUsageWriters, readUsage } from '../../src/metrics/usage.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let created: TestDatabase
let database: Database
let knex: Database['knex']

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  knex = database.knex
})

afterAll(async () => {
  await database?.close()
  await created?.drop()
})

beforeEach(async () => {
  await knex('usage_hours').delete()
  await knex('usage_writers').delete()
})

/** A process that counts. */
function startCounting() {
  const metrics = createMetrics()
  const usage = createUsage(metrics)
  return {
    usage,
    issue: (count: number, grant_type = 'client_credentials') => metrics.tokensIssued.inc({ grant_type }, count),
    refuse: (count: number, endpoint: string) => metrics.refused.inc({ endpoint, error: 'invalid_client' }, count),
  }
}

const aroundNow = { from: new Date(Date.now() - DAY), to: new Date(Date.now() + DAY) }

async function totals(db = knex): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { kind, label, count } of await readUsage(db, { ...aroundNow, step: 'hour' })) {
    sums[`${kind} ${label}`] = (sums[`${kind} ${label}`] ?? 0) + count
  }
  return sums
}

test('what several processes count adds up, each increment once', async () => {
  const processes = await together(4, async () => startCounting())
  for (const one of processes) {
    one.issue(3)
    one.issue(2, 'refresh_token')
    one.refuse(5, '/oauth2/token')
    one.refuse(7, '/oauth2/introspect')
  }
  await Promise.all(processes.map(({ usage }) => usage.flush(knex)))
  processes[0]!.issue(10)
  for (const { usage } of [...processes, ...processes]) await usage.flush(knex)
  expect(await totals()).toEqual({
    'issued client_credentials': 22,
    'issued refresh_token': 8,
    'refused invalid_client': 20,
  })
})

test('nothing is written while nothing happens', async () => {
  const { usage, issue } = startCounting()
  const statements: string[] = []
  const watch = ({ sql }: { sql: string }) => statements.push(sql)
  knex.on('query', watch)
  await usage.flush(knex)
  issue(1)
  await usage.flush(knex)
  await usage.flush(knex)
  knex.removeListener('query', watch)
  expect(statements).toHaveLength(1)
})

test('a write that failed is made up for, and one whose answer was lost is not made twice', async () => {
  const { usage, issue } = startCounting()
  issue(4)
  await knex.raw('ALTER TABLE usage_hours RENAME TO away')
  await expect(usage.flush(knex)).rejects.toThrow()
  await knex.raw('ALTER TABLE away RENAME TO usage_hours')
  issue(1)
  const lost = new Error('gone')
  // Executed, but the response is lost.
  const deaf = { raw: (sql: string, values: object) => knex.raw(sql, values as never).then(() => Promise.reject(lost)) }
  await expect(usage.flush(deaf as never)).rejects.toThrow('gone')
  expect(await totals()).toEqual({ 'issued client_credentials': 4 })
  issue(2)
  await usage.flush(knex)
  await usage.flush(knex)
  expect(await totals()).toEqual({ 'issued client_credentials': 7 })
})

test('counts are read by the hour and by the day of UTC, from the first moment and up to the last', async () => {
  const at = (text: string) => new Date(`2026-03-0${text}:00:00Z`)
  const hours = ['1T23', '2T00', '2T01', '2T23', '3T00'].map((text, n) => ({ hour: at(text), count: 10 ** n }))
  await knex('usage_hours').insert(hours.map((row) => ({ ...row, kind: 'issued', label: 'refresh_token' })))
  const span = { from: at('2T00'), to: at('3T00') }
  const counted = async (step: 'hour' | 'day') =>
    (await readUsage(knex, { ...span, step })).map((one) => [one.at.toISOString().slice(0, 13), one.count])
  await knex.raw(`SET TIME ZONE 'Pacific/Auckland'`)
  expect(await counted('hour')).toEqual([
    ['2026-03-02T00', 10],
    ['2026-03-02T01', 100],
    ['2026-03-02T23', 1000],
  ])
  expect(await counted('day')).toEqual([['2026-03-02T00', 1110]])
})

test('what is older than 400 days goes in batches, and notes of processes that are gone', async () => {
  const old = Array.from({ length: 25 }, (_, n) => ({ hour: new Date(Date.now() - 400 * DAY - (n + 1) * HOUR) }))
  const rows = [...old, { hour: new Date(Date.now() - 399 * DAY) }]
  await knex('usage_hours').insert(rows.map((row) => ({ ...row, kind: 'issued', label: 'x', count: 1 })))
  expect([await deleteOldUsage(knex, 10), await deleteOldUsage(knex, 10), await deleteOldUsage(knex, 10)]).toEqual([
    10, 10, 5,
  ])
  expect(await knex('usage_hours')).toHaveLength(1)
  const { usage, issue } = startCounting()
  issue(1)
  await usage.flush(knex)
  await knex('usage_writers').insert({ id: knex.raw('gen_random_uuid()'), batch: 1, written_at: new Date(0) })
  expect(await deleteOldUsageWriters(knex, 10)).toBe(1)
})

test('a server writes what it issued and refused, and the rest when it stops', async () => {
  const server: Keywright = await startKeywright()
  const { keyPair } = server.firstStart
  try {
    await server.machineToken(keyPair)
    await server.machineToken({ ...keyPair, clientSecret: 'wrong' })
    await until(async () => Object.keys(await totals(server.knex)).length === 2)
    await server.machineToken(keyPair)
    await server.stopServing()
    expect(await totals(server.knex)).toEqual({ 'issued client_credentials': 2, 'refused invalid_client': 1 })
  } finally {
    await server.stop()
  }
})
