import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { sharesOf } from '../../src/database/pool-shares.ts'
import type { Management } from '../../src/management/operation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { listTokens } from '../../src/management/token-operations.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { ACTOR, createMaker } from '../support/factory.ts'
import { together, until } from '../support/load.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const OPERATOR: Principal = {
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: null,
  signedInAt: null,
  actor: ACTOR,
}
const POOL_MAX = 10

let created: TestDatabase
let database: Database
let outside: Database
let management: Management

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url, { poolMax: POOL_MAX, hasShares: true })
  outside = openDatabase(created.url)
  management = {
    knex: database.knex,
    reports: database.reports,
    encryptionKeys: createEncryptionKeys([randomBytes(32)]),
  }
})

afterAll(async () => {
  await database.close()
  await outside.close()
  await created.drop()
})

test('twelve concurrent token lists use only the connections of reports, and all succeed', async () => {
  const keys = management.encryptionKeys
  const make = createMaker(outside, keys)
  const { clientId } = await make.client([(await make.api()).identifier])
  // Lists wait for it: as if each took long.
  const holding = await outside.knex.transaction()
  await holding.raw('LOCK TABLE users IN ACCESS EXCLUSIVE MODE')
  const lists = together(12, () => listTokens(management, OPERATOR, { clientId }))
  const waiting = { datname: outside.knex.raw('current_database()'), wait_event_type: 'Lock' }
  await until(async () => (await outside.knex('pg_stat_activity').where(waiting)).length === sharesOf(POOL_MAX).reports)
  expect(database.poolState().used).toBe(sharesOf(POOL_MAX).reports)
  expect(await database.query({ name: 'one', text: 'SELECT 1 AS one', values: [] })).toEqual([{ one: 1 }])
  expect((await database.knex('clients').where('client_id', clientId)).length).toBe(1)
  await holding.commit()
  expect(await lists).toHaveLength(12)
})
