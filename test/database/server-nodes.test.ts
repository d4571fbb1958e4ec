import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { announceNode, listServerNodes } from '../../src/database/server-nodes.ts'
import { keysOf } from '../support/encryption-key.ts'
import { until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { createSetUpDatabase, type SetUpDatabase } from '../support/postgres.ts'

let server: SetUpDatabase
let database: Database
let other: Database

beforeAll(async () => {
  server = await createSetUpDatabase()
  database = openDatabase(server.url)
  other = openDatabase(server.url)
})

afterAll(async () => {
  for (const one of [database, other]) await one.close()
  await server.drop()
})

beforeEach(() => database.knex('server_nodes').delete())

const announce = () => announceNode(database.knex, keysOf(server.encryptionKey))

test('a node that withdraws is listed no more, and cannot be announced again', async () => {
  const node = await announce()
  expect(await listServerNodes(database.knex)).toMatchObject([{ pid: process.pid }])
  await node.withdraw()
  await node.announce(2)
  expect(await listServerNodes(database.knex)).toEqual([])
})

test('an announcement under way when a node withdraws does not bring it back', async () => {
  const node = await announce()
  // Each announcement waits where the test holds this lock.
  await other.knex.raw(`
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END';
    CREATE TRIGGER hold BEFORE INSERT ON server_nodes FOR EACH ROW EXECUTE FUNCTION hold()`)
  let announcing: Promise<void> | undefined
  let withdrawing: Promise<void> | undefined
  await other.knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(1)')
    announcing = node.announce(3)
    await until(async () => (await awaitedLocks(other.knex)).length > 0)
    withdrawing = node.withdraw()
    await Promise.race([withdrawing, sleep(500)])
  })
  await announcing
  await withdrawing
  expect(await listServerNodes(database.knex)).toEqual([])
})
