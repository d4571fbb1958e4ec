import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { activeAmong, together, until } from '../support/load.ts'
import { launchServer, type Nodes, startNodes } from '../support/nodes.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'

let on: Nodes
let database: TestDatabase
let startedAt: number

const hasPrinted = ({ stdout }: Nodes['nodes'][number]) => stdout().includes('Keywright is set up')

beforeAll(async () => {
  database = await createTestDatabase()
  await untilPeriodLasts('day')
  startedAt = Date.now()
  on = await startNodes(10, { databaseUrl: database.url, env: { DATABASE_POOL_MAX: '4' } })
  await until(() => on.nodes.some(hasPrinted))
})

afterAll(async () => {
  await on?.stop()
  await database?.drop()
})

test('of ten nodes that start at once on an empty database one sets it up, and all are ready', async () => {
  expect(on.nodes.filter(hasPrinted)).toHaveLength(1)
  for (const node of on.nodes) expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
  expect(await on.knex('users').pluck('role')).toHaveLength(2)
  expect(await on.knex('clients').where('kind', 'key_pair')).toHaveLength(1)
  expect((await on.knex('signing_keys').pluck('alg')).sort()).toEqual(['ES256', 'ES256', 'RS256', 'RS256'])
})

test('the key pair that was printed works at every one of them, and each knows the tokens of all', async () => {
  const first = on.nodes.map((node) => node.stdout()).find((text) => text.includes('Keywright is set up'))
  const [, clientId, clientSecret] = /client_id=(\w+)&client_secret=(\w+)/.exec(first!)!
  const [, apiId, apiSecret] = /introspection as (\w+) with secret (\w+)/.exec(first!)!
  const tokens: string[] = []
  for (const node of on.nodes) {
    const { body } = await node.machineToken({ clientId: clientId!, clientSecret: clientSecret! })
    tokens.push(body.access_token)
  }
  expect(await activeAmong(on.nodes, tokens, { clientId: apiId!, clientSecret: apiSecret! })).toEqual([tokens.at(-1)])
})

test('the partitions that ten nodes made at once are whole: yesterday, today and 32 days ahead, each once', async () => {
  const { rows } = await on.knex.raw(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'access_tokens'::regclass ORDER BY 1`,
  )
  const day = (n: number) => new Date(startedAt + n * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '')
  const wanted = Array.from({ length: 34 }, (_, n) => `access_tokens_${day(n - 1)}`)
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(wanted))
})

async function startOn(database: TestDatabase) {
  const server = launchServer({ DATABASE_URL: database.url, ENCRYPTION_KEY: newEncryptionKey(), PORT: '0' })
  const ending = await server.ended
  return { ...ending, said: server.stderr() }
}

async function inDatabase(
  database: TestDatabase,
  change: (url: ReturnType<typeof openDatabase>) => PromiseLike<unknown>,
) {
  const opened = openDatabase(database.url)
  await change(opened)
  await opened.close()
}

test('on a database without a schema, or with a pending migration, the start stops and says what to run', async () => {
  const [empty, behind] = [await createEmptyDatabase(), await createTestDatabase()]
  const last = (database: ReturnType<typeof openDatabase>) =>
    database.knex.raw('DELETE FROM knex_migrations WHERE id = (SELECT max(id) FROM knex_migrations)')
  await inDatabase(behind, last)
  for (const { code, said } of await together(2, (n) => startOn([empty, behind][n]!))) {
    expect(code).toBe(1)
    expect(said).toMatch(/lacks \d+ migration\(s\), the first \d{14}_\w+\.ts; run: npm run migrate/)
    expect(said).not.toMatch(/\n\s+at /)
  }
  for (const database of [empty, behind]) await database.drop()
})

test('on a schema that is newer than the code the start stops and names what it does not know', async () => {
  const ahead = await createTestDatabase()
  const name = '20990101000000_from_the_future.ts'
  await inDatabase(ahead, ({ knex }) => knex('knex_migrations').insert({ name, batch: 99 }))
  const { code, said } = await startOn(ahead)
  expect(code).toBe(1)
  expect(said).toMatch(/newer than this version of Keywright \(it has 20990101000000_from_the_future\.ts\)/)
  await ahead.drop()
})
