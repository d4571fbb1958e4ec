/** The generic cell rate algorithm over both of its tables, on two pools, as nodes have them. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createRateLimiter, type RunStatement, type Taken, throughKnex } from '../../src/database/rate-limiter.ts'
import { together } from '../support/load.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let server: TestDatabase
let nodes: [Database, Database]

beforeAll(async () => {
  server = await createTestDatabase()
  nodes = [openDatabase(server.url), openDatabase(server.url)]
})

afterAll(async () => {
  for (const node of nodes) await node.close()
  await server.drop()
})

let keys = 0

const TABLES = [
  {
    table: 'rate_limits',
    keyColumn: 'client_id',
    keyType: 'bigint',
    newKey: (): unknown => ++keys,
    runOf: (node: Database): RunStatement => node.query,
  },
  {
    table: 'sign_in_limits',
    keyColumn: 'key',
    keyType: 'bytea',
    newKey: (): unknown => randomBytes(32),
    runOf: (node: Database): RunStatement => throughKnex(node.knex),
  },
] as const

const passed = (results: readonly Taken[]): number => results.filter((one) => 'remaining' in one).length

describe.each(TABLES)('a bucket in $table', ({ newKey, runOf, ...columns }) => {
  const takeFromBucket = createRateLimiter<unknown>(columns)
  const bucketOf = (burst: number, interval: number) => ({ key: newKey(), burst, interval })
  const take = (bucket: ReturnType<typeof bucketOf>, { node = 0, cost = 1 } = {}) =>
    takeFromBucket(runOf(nodes[node]!), bucket, cost)
  const letPass = (key: unknown, seconds: number) =>
    nodes[0]
      .knex(columns.table)
      .where(columns.keyColumn, key as never)
      .update({ arrival_at: nodes[0].knex.raw('arrival_at - make_interval(secs => ?)', [seconds]) })

  test('lets exactly its burst pass when two nodes take concurrently', async () => {
    const bucket = bucketOf(10, 3600)
    expect(passed(await together(50, (n) => take(bucket, { node: n % 2 })))).toBe(10)
  })

  test('counts down what remains, and then returns the seconds until one unit is back', async () => {
    const bucket = bucketOf(3, 3600)
    for (const remaining of [2, 1, 0]) expect(await take(bucket)).toEqual({ remaining })
    const { wait } = (await take(bucket)) as { wait: number }
    expect(wait).toBeGreaterThan(3000)
    expect(wait).toBeLessThanOrEqual(3600)
  })

  test('refills by one unit per interval, up to its burst', async () => {
    const bucket = bucketOf(3, 3600)
    for (let n = 0; n < 3; n++) await take(bucket)
    await letPass(bucket.key, 3600)
    expect(passed([await take(bucket), await take(bucket)])).toBe(1)
    await letPass(bucket.key, 100 * 3600)
    expect(passed(await together(10, () => take(bucket)))).toBe(3)
  })

  test('charges a request by its cost', async () => {
    const bucket = bucketOf(10, 3600)
    expect(await take(bucket, { cost: 8 })).toEqual({ remaining: 0 })
    expect(await take(bucket, { cost: 3 })).toEqual({ wait: expect.any(Number) })
    expect(passed([await take(bucket, { cost: 2 }), await take(bucket)])).toBe(1)
  })

  test('does not limit another key', async () => {
    const bucket = bucketOf(1, 3600)
    await take(bucket)
    expect(await take(bucket)).toHaveProperty('wait')
    expect(await take(bucketOf(1, 3600))).toEqual({ remaining: 0 })
  })
})
