import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate, schemaState } from '../../src/database/migrations.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { startChild } from '../support/child.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const FIXTURES = fileURLToPath(new URL('../support/fixtures/migrations', import.meta.url))
const FIRST = '20260101000000_first.ts'
const SECOND = '20260101000100_second.ts'

let empty: TestDatabase
let database: Database

beforeEach(async () => {
  empty = await createEmptyDatabase()
  database = openDatabase(empty.url)
})

afterEach(async () => {
  await database.close()
  await empty.drop()
})

test('an empty database has everything pending, and asking changes nothing', async () => {
  expect(await schemaState(database.knex, FIXTURES)).toEqual({ pending: [FIRST, SECOND], unknown: [] })
  expect(await database.knex.schema.hasTable('knex_migrations')).toBe(false)
})

test('migrating applies what is pending, in order, and then nothing', async () => {
  expect(await migrate(database.knex, FIXTURES)).toEqual({ applied: [FIRST, SECOND] })
  expect(await schemaState(database.knex, FIXTURES)).toEqual({ pending: [], unknown: [] })
  expect(await migrate(database.knex, FIXTURES)).toEqual({ applied: [] })
})

test('ten processes that migrate at once apply each migration once, and all end well', async () => {
  const children = Array.from({ length: 10 }, () => startChild('migrate', [empty.url, FIXTURES]))
  const answers = await Promise.all(children.map((child) => child.answer<{ applied: string[] }>()))
  expect(await Promise.all(children.map((child) => child.finish()))).toEqual(Array(10).fill(0))
  expect(answers.flatMap(({ applied }) => applied).sort()).toEqual([FIRST, SECOND])
  expect(await database.knex('knex_migrations').orderBy('id').pluck('name')).toEqual([FIRST, SECOND])
})

test('a process killed while it migrates leaves no lock and no half of a migration', async () => {
  const child = startChild('migrate', [empty.url, FIXTURES])
  while (!(await isSleeping())) await new Promise((resolve) => setTimeout(resolve, 10))
  await child.kill()
  expect(await migrate(database.knex, FIXTURES)).toEqual({ applied: [FIRST, SECOND] })
})

async function isSleeping(): Promise<boolean> {
  const text = `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`
  return (await database.knex.raw(text)).rows[0].n > 0
}

test('a schema newer than the code is reported, and does not prevent migrating', async () => {
  await migrate(database.knex, FIXTURES)
  const newer = '20991231000000_newer.ts'
  await database.knex('knex_migrations').insert({ name: newer, batch: 9 })
  expect(await schemaState(database.knex, FIXTURES)).toEqual({ pending: [], unknown: [newer] })
  expect(await migrate(database.knex, FIXTURES)).toEqual({ applied: [] })
})

test('migrating goes on after the sequence of its own table was set back', async () => {
  await migrate(database.knex, FIXTURES)
  await database.knex('knex_migrations').where({ name: SECOND }).delete()
  await database.knex.raw(`DELETE FROM first; DROP TABLE second; SELECT setval('knex_migrations_id_seq', 1, false)`)
  expect(await migrate(database.knex, FIXTURES)).toEqual({ applied: [SECOND] })
})

test('a migration that fails is named, leaves nothing behind, and keeps those before it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'keywright-migrations-'))
  cpSync(FIXTURES, directory, { recursive: true })
  const bad = '20260101000200_bad.ts'
  const up = `export const up = (knex) => knex.raw('CREATE TABLE third (); SELECT 1 / 0')`
  writeFileSync(join(directory, bad), up)
  await expect(migrate(database.knex, directory)).rejects.toThrow(`migration ${bad} failed`)
  expect(await schemaState(database.knex, directory)).toEqual({ pending: [bad], unknown: [] })
  expect(await database.knex.schema.hasTable('third')).toBe(false)
  rmSync(directory, { recursive: true })
})

test('the limits of everyday statements do not apply to migrations', async () => {
  const impatient = openDatabase(empty.url, { statementTimeoutMs: 100 })
  expect(await migrate(impatient.knex, FIXTURES)).toEqual({ applied: [FIRST, SECOND] })
  const [limit] = await impatient.query({ name: 'limit', text: 'SHOW statement_timeout', values: [] })
  expect(limit).toEqual({ statement_timeout: '100ms' })
  await impatient.close()
})

test("the product's own migrations go forward, back and forward again", async () => {
  const { applied } = await migrate(database.knex)
  const directory = fileURLToPath(new URL('../../migrations/', import.meta.url))
  for (const name of applied.toReversed()) {
    const { down } = await import(join(directory, name))
    await database.knex.transaction(down)
  }
  await database.knex('knex_migrations').delete()
  expect(await migrate(database.knex)).toEqual({ applied })
})

test('every test file gets a migrated database of its own', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  expect(one.url).not.toBe(other.url)
  const migrated = openDatabase(one.url)
  expect((await schemaState(migrated.knex)).pending).toEqual([])
  await migrated.close()
  await Promise.all([one.drop(), other.drop()])
})
