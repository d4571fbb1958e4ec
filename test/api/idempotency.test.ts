/** Creations with an Idempotency-Key, on two nodes. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteExpiredIdempotencyKeys, idempotentRequest, runOnce } from '../../src/api/idempotency.ts'
import type { Management } from '../../src/management/operation.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { metricOf } from '../support/requests.ts'

let server: Keywright
let otherNode: Keywright
let token: string

beforeAll(async () => {
  server = await startKeywright()
  const { DATABASE_URL, ENCRYPTION_KEY } = server.env
  otherNode = await startKeywright({ databaseUrl: DATABASE_URL!, env: { ENCRYPTION_KEY, ISSUER: server.issuer } })
  token = await managementToken(server, await managingApplication(server, null))
})

afterAll(async () => {
  await otherNode?.stop()
  await server?.stop()
})

const post = (path: string, body: unknown, key: string, { at = server, as = token } = {}) =>
  rawManagement(at.url, as).json('POST', path, body, { 'idempotency-key': key })

const accountsNamed = (name: string) => server.knex('accounts').where({ name })

const application = () => ({
  name: `Application ${randomUUID()}`,
  grants: ['client_credentials'],
  account_id: server.firstStart.accountId,
})

test('twenty concurrent requests on two nodes create one application and get the same response', async () => {
  const body = application()
  const key = randomUUID()
  const responses = await together(20, (n) => post('/applications', body, key, { at: n % 2 ? server : otherNode }))
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(201))
  expect(new Set(responses.map(({ text }) => text)).size).toBe(1)
  expect(new Set(responses.map(({ headers }) => headers.get('etag'))).size).toBe(1)
  expect(responses.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(19)
  expect(await server.knex('clients').where({ name: body.name })).toHaveLength(1)
  expect(
    await server.knex('audit_log').where({ action: 'client.created', target_id: responses[0]!.body.client_id }),
  ).toHaveLength(1)
})

test('a stored response holds the client secret only encrypted', async () => {
  const { body } = await post('/applications', application(), 'sealed-response')
  const rows: { response: Buffer }[] = await server.knex('idempotency_keys').select('response')
  for (const { response } of rows) expect(response.includes(body.client_secret)).toBe(false)
  expect(JSON.stringify(server.logLines())).not.toContain(body.client_secret)
  expect(JSON.stringify(rows)).not.toContain('sealed-response')
})

test('a different request with the same key is rejected', async () => {
  const key = randomUUID()
  const body = { name: `Account ${key}` }
  expect((await post('/accounts', body, key)).status).toBe(201)
  for (const other of [{ name: 'Another' }, { ...body, name: `${body.name} ` }]) {
    expect(await post('/accounts', other, key)).toMatchObject({
      status: 422,
      body: { type: 'urn:keywright:error:key_reused' },
    })
  }
  expect((await post('/apis', { identifier: 'https://key.example', scopes: ['a'] }, key)).status).toBe(422)
  expect((await post('/accounts', body, key)).status).toBe(201)
})

test('the same key of another caller is another key', async () => {
  const key = randomUUID()
  const other = await managementToken(server, await managingApplication(server, null))
  const made = await Promise.all([token, other].map((as) => post('/accounts', { name: `Of ${key}` }, key, { as })))
  expect(new Set(made.map(({ body }) => body.id)).size).toBe(2)
})

test('a stored response requires the permission of the request', async () => {
  const key = randomUUID()
  const client = await managingApplication(server, null)
  const may = await managementToken(server, client)
  const mayNot = await managementToken(server, client, 'accounts:read')
  expect((await post('/accounts', { name: `May ${key}` }, key, { as: may })).status).toBe(201)
  expect((await post('/accounts', { name: `May ${key}` }, key, { as: mayNot })).status).toBe(403)
})

test('a failed request leaves its key unused and changes nothing', async () => {
  const key = randomUUID()
  const email = `${key}@example.com`
  const invitation = { email, role: 'member', account_id: server.firstStart.accountId }
  const unknown = { ...application(), apis: ['https://nowhere.example'] }
  const refused = await post('/applications', unknown, key)
  expect([400, 404]).toContain(refused.status)
  expect(await server.knex('clients').where({ name: unknown.name })).toEqual([])
  const invited = await post('/users', invitation, key)
  expect(invited.status).toBe(201)
  expect((await post('/users', invitation, key)).body.id).toBe(invited.body.id)
  expect((await post('/users', invitation, randomUUID())).status).toBe(409)
})

test('an operation has all services of the server, and the transaction in place of the database', async () => {
  const { encryptionKeys } = server.instance
  const services = { encryptionKeys, issuerUrl: () => server.issuer, upstream: { allowed: [] }, mail: {} }
  const management = { ...services, knex: server.knex } as unknown as Management
  const request = idempotentRequest({ clientId: 'x', subject: 'x' }, randomUUID(), {})
  const response = { status: 201, headers: {}, body: '' }
  let given: Management | undefined
  await runOnce(
    management,
    request,
    async () => undefined,
    async (received) => {
      given = received
      return response
    },
  )
  expect(given).toEqual({ ...services, knex: expect.objectContaining({ isTransaction: true }) })
})

test('requests without a key each create an account', async () => {
  const name = `Twice ${randomUUID()}`
  const send = () => rawManagement(server.url, token).json('POST', '/accounts', { name })
  await send()
  await send()
  expect(await accountsNamed(name)).toHaveLength(2)
})

test('a malformed key is rejected', async () => {
  for (const key of ['a b', 'x'.repeat(256), 'é']) {
    expect((await post('/accounts', { name: 'Never' }, key)).status).toBe(400)
  }
  expect(await accountsNamed('Never')).toEqual([])
})

test('a key can be used again after 24 hours, and its stored response is deleted', async () => {
  const key = randomUUID()
  const name = `Daily ${key}`
  const [first, second] = [randomUUID(), key]
  await post('/accounts', { name }, first)
  await post('/accounts', { name }, second)
  await server.knex('idempotency_keys').update({ expires_at: server.knex.raw("now() - interval '1 second'") })
  expect((await post('/accounts', { name }, second)).headers.get('idempotency-replayed')).toBeNull()
  expect(await accountsNamed(name)).toHaveLength(3)
  await deleteExpiredIdempotencyKeys(server.knex, 500)
  expect(await server.knex('idempotency_keys').count('* AS kept').first()).toEqual({ kept: 1 })
})

test('a caller over its rate limit gets the seconds to wait, and other callers are not limited', async () => {
  const busy = await managementToken(server, await managingApplication(server, null))
  const me = (as: string, at = server) => rawManagement(at.url, as).send('GET', '/me')
  expect((await me(busy)).headers.get('ratelimit')).toMatch(/^"caller";r=5\d\d;t=60$/)
  // As if it had asked for an hour's worth; the row holds for every node.
  await server.knex('sign_in_limits').update({ arrival_at: server.knex.raw("now() + interval '1 hour'") })
  const refused = await Promise.all([server, otherNode].map((node) => me(busy, node)))
  expect(refused.map(({ status }) => status)).toEqual([429, 429])
  for (const { body, headers } of refused) {
    expect(body.type).toBe('urn:keywright:error:rate_limited')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(headers.get('ratelimit')).toMatch(/^"caller";r=0;t=\d+$/)
    expect(headers.get('ratelimit-policy')).toBe('"caller";q=600;w=60')
  }
  const other = await managementToken(server, await managingApplication(server, null))
  expect((await me(other)).status).toBe(200)
  expect(
    await metricOf(server.url, 'keywright_requests_refused_total', 'endpoint="/api/v1",error="rate_limited"'),
  ).toBeGreaterThan(0)
})
