import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'

const withCode = (code: string, more = {}) => Object.assign(new Error(code), { code, ...more })
const one = { name: 'one', text: 'SELECT 1', values: [] }

test.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', '57P01', '57P02', '57P03', '53300', '08006', '08P01'])(
  '%s means that the database is unavailable',
  (code) => expect(isDatabaseUnavailable(withCode(code))).toBe(true),
)

test.each(['23505', '22021', '40001', '57014', '55P03', '42P01', 'ENOENT'])(
  '%s does not mean that the database is unavailable',
  (code) => expect(isDatabaseUnavailable(withCode(code))).toBe(false),
)

test.each(['Connection terminated unexpectedly', 'Query read timeout', 'timeout expired'])(
  '"%s", which has no code, means that the database is unavailable',
  (message) => expect(isDatabaseUnavailable(new Error(message))).toBe(true),
)

test('the reason is found in causes and among several errors, and a ring of causes ends', () => {
  const refused = withCode('ECONNREFUSED')
  expect(isDatabaseUnavailable(new Error('outer', { cause: new Error('inner', { cause: refused }) }))).toBe(true)
  expect(isDatabaseUnavailable(new AggregateError([new Error('IPv6'), refused]))).toBe(true)
  const ring = new Error('ring')
  ring.cause = ring
  expect(isDatabaseUnavailable(ring)).toBe(false)
  expect([undefined, null, 'ECONNREFUSED', 7].some((value) => isDatabaseUnavailable(value))).toBe(false)
})

test('an address where nobody listens is unavailable, at once', async () => {
  const began = performance.now()
  const places = ['postgresql://nobody@127.0.0.1:1/x', 'postgresql://nobody@localhost:1/x']
  for (const url of places) {
    const database = openDatabase(url)
    expect(isDatabaseUnavailable(await database.query(one).catch((error) => error))).toBe(true)
    expect(isDatabaseUnavailable(await database.knex.raw('SELECT 1').catch((error: unknown) => error))).toBe(true)
    await database.close()
  }
  const embedded = openDatabase({ host: '/tmp/no-such-directory', port: 5432, user: 'postgres', database: 'postgres' })
  expect(isDatabaseUnavailable(await embedded.query(one).catch((error) => error))).toBe(true)
  await embedded.close()
  expect(performance.now() - began).toBeLessThan(45_000)
})

test('a server that accepts and stays silent is unavailable after the time given to connect', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const { port } = silent.address() as { port: number }
  const given = [300, 3000].map((connectTimeoutMs) =>
    openDatabase(`postgresql://nobody@127.0.0.1:${port}/x`, { connectTimeoutMs }),
  )
  const ended: number[] = []
  const failures = given.map(async (database, n) => {
    const error = await database.query(one).catch((error) => error)
    ended.push(n)
    return isDatabaseUnavailable(error)
  })
  expect(await Promise.all(failures)).toEqual([true, true])
  expect(ended, 'the one with less time first').toEqual([0, 1])
  for (const database of given) await database.close()
  silent.close()
})
