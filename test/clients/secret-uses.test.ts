import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteExcessCallers, deleteOldCallers, listCallers, recordCallers } from '../../src/clients/client-callers.ts'
import { listSecrets } from '../../src/clients/client-secrets.ts'
import { createSecretUses } from '../../src/clients/secret-uses.ts'
import { withOtherEnd } from '../support/altered-texts.ts'
import { withoutJob } from '../support/jobs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { metricOf } from '../support/requests.ts'

const DAY = 86_400_000

let server: Keywright
let first: { identifier: string }
let second: { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { TRUST_PROXY: 'on' } })
  first = await server.make.api()
  second = await server.make.api()
})

afterAll(() => server?.stop())

const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } })
const lastUse = async (key: number) => (await listSecrets(server.knex, key))[0]!
const yesterday = () => new Date(Date.now() - DAY)
/** Callers are written after the uses of secrets. */
const untilCalled = (key: number, count: number) => until(async () => (await callersOf(key)).length === count)
const callersOf = async (key: number, limit = 100) =>
  (await listCallers(server.knex, key, yesterday(), limit)).map(({ ip, api }) => ({ ip, api }))

async function newClient(settings = {}) {
  const client = await server.make.client(settings, [first.identifier, second.identifier])
  return {
    ...client,
    untilUsed: (api: string | null) => until(async () => (await lastUse(client.key)).lastUsedApi === api),
  }
}

test.each([
  ['a plain request', {}],
  ['the engine’s way', { clientCredentialsRefresh: true }],
])('%s says of a secret when, from where and for which API it was last used', async (_, settings) => {
  const client = await newClient(settings)
  expect(await lastUse(client.key)).toMatchObject({ lastUsedAt: null, lastUsedIp: null, lastUsedApi: null })
  await server.machineToken(client, {}, from('192.0.2.1'))
  await client.untilUsed(first.identifier)
  expect(await lastUse(client.key)).toMatchObject({ lastUsedAt: expect.any(Date), lastUsedIp: '192.0.2.1' })
  await server.machineToken(client, { resource: second.identifier }, from('192.0.2.2'))
  await client.untilUsed(second.identifier)
  expect(await lastUse(client.key)).toMatchObject({ lastUsedIp: '192.0.2.2' })
  await untilCalled(client.key, 2)
  expect(await callersOf(client.key)).toEqual([
    { ip: '192.0.2.2', api: second.identifier },
    { ip: '192.0.2.1', api: first.identifier },
  ])
  expect(await callersOf(client.key, 1)).toHaveLength(1)
})

test('a redeemed refresh token records the API of its grant, whatever the request names', async () => {
  const client = await newClient({ clientCredentialsRefresh: true })
  const { refresh_token } = (await server.machineToken(client, { resource: second.identifier }, from('192.0.2.3'))).body
  const form = { grant_type: 'refresh_token', refresh_token }
  expect((await server.token(form, { basic: client, ...from('192.0.2.4') })).status).toBe(200)
  await untilCalled(client.key, 2)
  expect((await callersOf(client.key))[0]).toEqual({ ip: '192.0.2.4', api: second.identifier })
})

test('introspection and rejected requests record a use without an API', async () => {
  const client = await newClient()
  await server.introspect('x', client, from('192.0.2.5'))
  await untilCalled(client.key, 1)
  const refused = await server.machineToken(client, { scope: 'unknown' }, from('192.0.2.6'))
  expect(refused.status).toBe(400)
  await untilCalled(client.key, 2)
  expect(await callersOf(client.key)).toEqual([
    { ip: '192.0.2.6', api: null },
    { ip: '192.0.2.5', api: null },
  ])
})

test('a wrong secret, or a public client without a code, records no use', async () => {
  const client = await newClient()
  const settings = {
    isPublic: true,
    grants: ['authorization_code'],
    redirectUris: ['https://app.example.com/callback'],
  }
  const open = await server.make.client(settings, [first.identifier])
  const before = await metricOf(
    server.url,
    'keywright_requests_refused_total',
    'endpoint="/oauth2/token",error="invalid_grant"',
  )
  await server.machineToken({ ...client, clientSecret: withOtherEnd(client.clientSecret) }, {}, from('192.0.2.7'))
  const code = { grant_type: 'authorization_code', code: 'x'.repeat(43), code_verifier: 'y'.repeat(43) }
  const redemption = { ...code, client_id: open.clientId, redirect_uri: 'https://app.example.com/callback' }
  expect((await server.token(redemption, from('192.0.2.8'))).body.error).toBe('invalid_grant')
  expect(
    await metricOf(server.url, 'keywright_requests_refused_total', 'endpoint="/oauth2/token",error="invalid_grant"'),
  ).toBe(before + 1)
  // Later callers are written after them.
  await server.machineToken(client, {}, from('192.0.2.9'))
  await untilCalled(client.key, 1)
  expect(await callersOf(client.key)).toEqual([{ ip: '192.0.2.9', api: first.identifier }])
  expect(await callersOf(open.key)).toEqual([])
})

test('a use is written once in five minutes, and by the next flush after a failed write', async () => {
  const { key } = await server.make.client()
  const uses = createSecretUses()
  const statements: string[] = []
  const counting = { raw: async (sql: string) => ({ rows: [], count: statements.push(sql) }) }
  const failing = { raw: async () => Promise.reject(new Error('no database')) }
  const use = { clientKey: key, apiId: null }
  uses.record([1], { ip: '192.0.2.1', userAgent: 'tool/1' }, use)
  await expect(uses.flush(failing as never)).rejects.toThrow('no database')
  await uses.flush(counting as never)
  expect(statements).toHaveLength(4)
  for (let n = 0; n < 3; n++) {
    uses.record([1], { ip: '192.0.2.1', userAgent: 'tool/1' }, use)
    await uses.flush(counting as never)
  }
  expect(statements).toHaveLength(4)
  uses.reset()
  uses.record([1], { ip: '192.0.2.1', userAgent: 'tool/1' }, use)
  await uses.flush(counting as never)
  expect(statements).toHaveLength(8)
})

test('at most 100 callers of a client are recorded per period and 1,000 stored, and those of 30 days ago are deleted', async () => {
  const { key } = await server.make.client()
  const uses = createSecretUses()
  for (let n = 0; n < 5000; n++)
    uses.record([], { ip: `2001:db8::${n}`, userAgent: '' }, { clientKey: key, apiId: null })
  await uses.flush(server.knex)
  expect(await callersOf(key, 10_000)).toHaveLength(100)
  const caller = (n: number, at: Date) => ({ clientKey: key, ip: `ip-${n}`, apiId: 0, at })
  await withoutJob(server.knex, 'sweep rows that expired long ago', async () => {
    await recordCallers(
      server.knex,
      Array.from({ length: 1500 }, (_, n) => caller(n, new Date(Date.now() - n * 1000))),
    )
    expect([await deleteExcessCallers(server.knex, 400), await deleteExcessCallers(server.knex, 400)]).toEqual([
      400, 200,
    ])
    expect(await callersOf(key, 10_000)).toHaveLength(1000)
    await recordCallers(server.knex, [caller(-1, new Date(Date.now() - 31 * DAY))])
    expect([await deleteOldCallers(server.knex, 100), await deleteOldCallers(server.knex, 100)]).toEqual([1, 0])
  })
})

test('processes that write the same callers concurrently do not deadlock', async () => {
  const { key } = await server.make.client()
  const callers = Array.from({ length: 300 }, (_, n) => ({
    clientKey: key,
    ip: `ip-${n}`,
    apiId: n % 3,
    at: new Date(),
  }))
  await together(6, (n) => recordCallers(server.knex, n % 2 ? callers : callers.toReversed()))
  expect(await callersOf(key, 1000)).toHaveLength(300)
})
