/** A database that crashes uses transaction numbers again. The feed must not skip a revocation because of that. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { currentCursor, type FeedCursor } from '../../src/status/feed-cursors.ts'
import { setIndexesOf } from '../../src/status/status-bitmap.ts'
import { readChanges } from '../../src/status/status-changes.ts'
import { leaseStatusIndexes } from '../../src/status/status-lists.ts'
import { startDurablePostgres } from '../support/durable-postgres.ts'

let postgres: Awaited<ReturnType<typeof startDurablePostgres>>
let db: Database
let list: number

beforeAll(async () => {
  postgres = await startDurablePostgres()
  db = openDatabase(postgres.url)
  list = (await leaseStatusIndexes(db, 1, 64)).list.key
})
afterAll(async () => {
  await db?.close()
  await postgres?.stop()
})

const revoke = (index: number) => db.knex('revocations').insert({ status_list: list, status_indexes: [index] })

/** Uses a transaction number without writing: the transaction locks a row and is rolled back. */
async function rollBackTransaction(): Promise<void> {
  const trx = await db.knex.transaction()
  await trx('status_lists').forUpdate().first('id')
  await trx.rollback()
}

async function crash(): Promise<void> {
  await postgres.crash()
  await db.close()
  await postgres.start()
  db = openDatabase(postgres.url)
}

async function read(since: FeedCursor) {
  const { changes, cursor } = (await readChanges(db, since))!
  return { indexes: changes.flatMap(({ revoked }) => setIndexesOf(revoked)), cursor }
}

test('a revocation right after a crash is read with a cursor from right before the crash', async () => {
  await revoke(1)
  const began = await currentCursor(db)
  await revoke(2)
  for (let n = 0; n < 20; n++) await rollBackTransaction()
  const { indexes, cursor } = await read(began)
  expect(indexes).toEqual([2])
  const late = await currentCursor(db)
  await crash()
  await revoke(3)
  for (let n = 0; n < 40; n++) await db.knex.raw('SELECT pg_current_xact_id()')
  expect((await read(cursor)).indexes).toEqual([3])
  expect((await read(late)).indexes).toEqual([3])
})
