import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { untilLocked } from '../support/lock-waits.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { type Answer, type Credentials, send } from '../support/requests.ts'
import { startTcpProxy, type TcpProxy, throughProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
let direct: pg.Client
let proxy: TcpProxy
let server: Keywright
let client: Credentials
/** Its tokens come with refresh tokens, which takes a transaction where the other takes one statement. */
let refreshing: Credentials

const KINDS: [string, () => Credentials][] = [
  ['one statement', () => client],
  ['a transaction', () => refreshing],
]

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
  // Shorter than the lock timeout, and longer than a statement takes on a busy machine.
  const env = { DATABASE_STATEMENT_TIMEOUT: '2000', DATABASE_POOL_MAX: '4' }
  server = await startKeywright({ databaseUrl: throughProxy(database.url, proxy), env })
  client = await server.make.client({ policy: 'none' })
  refreshing = await server.make.client({ policy: 'none', clientCredentialsRefresh: true })
  direct = new pg.Client(database.url)
  await direct.connect()
})

afterAll(async () => {
  await proxy.heal()
  await direct.end()
  await server.stop()
  await proxy.cut()
  await database.drop()
})

beforeEach(async () => {
  await proxy.heal()
  await direct.query('ROLLBACK')
  await expectRecovery()
})

/** Another session holds a client's row, so that its requests wait inside their statements. */
async function hold({ clientId }: Credentials): Promise<void> {
  await direct.query('BEGIN')
  await direct.query('SELECT 1 FROM clients WHERE client_id = $1 FOR UPDATE', [clientId])
}

function expectUnavailable(answer: Answer): void {
  expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-request-id')).toBeTruthy()
  expect(answer.body.error_description).not.toMatch(/ECONN|127\.0\.0\.1|postgres|Knex/i)
}

/** Without a restart and without anybody's help. */
async function expectRecovery(): Promise<void> {
  await until(async () => (await server.machineToken(client)).status === 200)
}

test('while the database is gone every endpoint answers 503 with Retry-After, and then recovers by itself', async () => {
  const issued = (await server.machineToken(refreshing)).body
  const refresh = { grant_type: 'refresh_token', refresh_token: issued.refresh_token }
  await proxy.cut()
  expectUnavailable(await server.machineToken(client))
  expectUnavailable(await server.machineToken(refreshing))
  expectUnavailable(await server.token(refresh, { basic: refreshing }))
  expectUnavailable(await server.introspect(issued.access_token, client))
  expectUnavailable(await server.introspect('none', client))
  expectUnavailable(await server.revoke(issued.access_token, client))
  await proxy.heal()
  await expectRecovery()
  expect((await server.introspect(issued.access_token, refreshing)).body.active).toBe(true)
  expect((await server.token(refresh, { basic: refreshing })).status).toBe(200)
})

test('while the database is gone the authorization endpoint shows a page with 503 and Retry-After', async () => {
  const query = new URLSearchParams({ client_id: 'kwc_unknown', response_type: 'code', scope: 'read' })
  await proxy.cut()
  const shown = await send(`${server.url}/oauth2/authorize?${query}`, { headers: { accept: 'text/html' } })
  expect([shown.status, Number(shown.headers.get('retry-after')) > 0]).toEqual([503, true])
  expect(shown.headers.get('content-type')).toContain('text/html')
})

test.each(KINDS)('a request that is inside %s when the database goes is answered 503', async (_kind, who) => {
  await hold(who())
  const requests = together(10, () => server.machineToken(who()))
  await untilLocked(direct, requests)
  await proxy.cut()
  for (const answer of await requests) expectUnavailable(answer)
  await direct.query('ROLLBACK')
  await proxy.heal()
  await expectRecovery()
})

test.each(KINDS)('sessions that end inside %s, as in a failover, cost at most a 503', async (_kind, who) => {
  for (let round = 0; round < 5; round++) {
    const requests = Array.from({ length: 20 }, () => server.machineToken(who()))
    await direct.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'keywright server'`,
    )
    const answers = await Promise.all(requests)
    for (const answer of answers) if (answer.status !== 200) expectUnavailable(answer)
    await expectRecovery()
  }
})

test.each(KINDS)('a database that says nothing any more to %s is given up', async (_kind, who) => {
  await together(8, () => server.machineToken(who()))
  proxy.hold()
  // Nothing comes from the database any more: requests without an end of their own would never be answered.
  for (const answer of await together(8, () => server.machineToken(who()))) expectUnavailable(answer)
  await proxy.heal()
  await expectRecovery()
})

test.each(KINDS)(
  '%s that waits too long for a row is given up with 503, so that the caller tries again',
  async (_kind, who) => {
    await hold(who())
    expectUnavailable(await server.machineToken(who()))
    await direct.query('ROLLBACK')
    await expectRecovery()
  },
)

test('during the outage the process is alive and not ready, and publishes its keys', async () => {
  const { body: keys } = await send(`${server.url}/oauth2/jwks`)
  await proxy.cut()
  const statusOf = async (path: string) => (await send(server.url + path)).status
  const statuses = () => Promise.all(['/healthz', '/readyz', '/metrics'].map(statusOf))
  // The node itself may have looked shortly before the outage.
  await until(async () => (await statusOf('/readyz')) === 503)
  expect(await statuses()).toEqual([200, 503, 200])
  // Longer than the second for which the endpoint does not ask the database.
  await sleep(1100)
  expect((await send(`${server.url}/oauth2/jwks`)).body).toEqual(keys)
  await proxy.heal()
  await expectRecovery()
  await until(async () => (await statusOf('/readyz')) === 200)
  expect(await statuses()).toEqual([200, 200, 200])
})

test('no response during the outage was a 500', () => {
  expect(server.logLines().filter((line) => line.status === 500)).toEqual([])
})
