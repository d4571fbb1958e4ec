/** Tokens of the management API with which a service of the company acts for one of its users. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { claimsOf } from '../support/requests.ts'

let server: Keywright
let other: Keywright
let service: Awaited<ReturnType<typeof managingApplication>>
let token: string

beforeAll(async () => {
  server = await startKeywright()
  other = await startKeywright({ databaseUrl: server.env.DATABASE_URL!, env: { ...server.env, ISSUER: server.issuer } })
  service = await managingApplication(server, null)
  token = await managementToken(server, service)
})

afterAll(async () => {
  const failures = [server, other].flatMap((node) => node.logLines()).filter((line) => (line.status as number) >= 500)
  expect(failures).toEqual([])
  await other.stop()
  await server.stop()
})

const request = (more: object = {}, user: object = {}) => ({
  account: server.firstStart.accountId,
  user: { external_id: `usr-${randomUUID()}`, email: `${randomUUID()}@example.com`, role: 'admin', ...user },
  scopes: ['key_pairs:read', 'key_pairs:write'],
  ...more,
})

const obtain = (body: unknown, as = token) =>
  rawManagement(server.url, as).json('POST', '/console-sessions/tokens', body)

const as = (delegated: string, node: Pick<Keywright, 'url'> = server) => rawManagement(node.url, delegated)

test('acts for ten minutes as the user, in the account, with the service as its actor', async () => {
  const { status, body } = await obtain(request())
  expect([status, body]).toEqual([201, { ...body, token_type: 'Bearer', expires_in: 600 }])
  const claims = claimsOf(body.access_token)
  expect(claims).toMatchObject({
    sub: body.user_id,
    aud: MANAGEMENT_API,
    client_id: service.clientId,
    account_id: server.firstStart.accountId,
    act: { sub: service.clientId },
    scope: 'key_pairs:read key_pairs:write',
  })
  expect(Number(claims.exp) - Number(claims.iat)).toBe(600)
})

test('generates and stops a key pair of the user at each node, and no more than its scopes', async () => {
  const { body } = await obtain(request())
  const generated = await as(body.access_token, other).json('POST', '/key-pair', {})
  expect([generated.status, generated.body]).toEqual([201, expect.objectContaining({ client_id: expect.any(String) })])
  const [pair] = await server.knex('clients').where({ client_id: generated.body.client_id })
  expect(pair).toMatchObject({ user_id: body.user_id, account_id: server.firstStart.accountId })
  const [event] = await server.knex('audit_log').where({ action: 'key_pair.generated', actor_id: body.user_id })
  expect(event.detail).toMatchObject({ through: service.clientId })
  for (const path of ['/users', '/applications', '/accounts', '/activity'])
    expect([path, (await as(body.access_token).send('GET', path)).status]).toEqual([path, 403])
})

test('acts in the named account of a user who belongs to two, and in none after the end of the membership', async () => {
  const { body, text } = await obtain(request())
  const second = await server.make.account()
  await server.knex('memberships').insert({ user_id: body.user_id, account_id: second, role: 'viewer' })
  const [user] = await server.knex('users').where({ id: body.user_id })
  const named = { external_id: user.external_id, email: user.email, role: undefined }
  const there = await obtain(request({ account: second }, named))
  expect([there.status, there.text, text]).toEqual([201, there.text, text])
  expect((await as(there.body.access_token).send('GET', '/me')).body).toMatchObject({
    account_id: second,
    role: 'viewer',
  })
  expect((await as(body.access_token).send('GET', '/me')).body).toMatchObject({ role: 'admin' })
  await server.knex('memberships').where({ user_id: body.user_id, account_id: second }).delete()
  expect((await as(there.body.access_token, other).send('GET', '/me')).status).toBe(401)
})

test.each([
  ['the user is disabled', (id: string) => rawManagement(server.url, token).send('POST', `/users/${id}/disable`)],
  [
    'the tokens of the user are revoked',
    (id: string) => rawManagement(server.url, token).send('DELETE', `/users/${id}/tokens`),
  ],
])('is inactive at each node when %s', async (_, end) => {
  const { body } = await obtain(request())
  expect((await as(body.access_token, other).send('GET', '/me')).status).toBe(200)
  expect((await end(body.user_id)).status).toBeLessThan(300)
  for (const node of [server, other]) expect((await as(body.access_token, node).send('GET', '/me')).status).toBe(401)
})

test('is listed and revoked like any token', async () => {
  const { body } = await obtain(request())
  const { jti } = claimsOf(body.access_token)
  expect(await server.knex('active_access_tokens').where({ jti })).toHaveLength(1)
  await server.revoke(body.access_token, service)
  expect((await as(body.access_token, other).send('GET', '/me')).status).toBe(401)
})

test.each([
  ['an unknown scope', { scopes: ['instance:write'] }, 400],
  ['no scope', { scopes: [] }, 400],
  ['scopes of users', { scopes: ['users:write'] }, 400],
  ['an unknown account', { account: 'cus-unknown' }, 404],
])('is refused for %s', async (_, more, status) => {
  expect((await obtain(request(more))).status).toBe(status)
})

test('is refused to a service without the scope that it would pass on, and to others than services', async () => {
  const narrow = await managementToken(server, service, 'console_sessions:create key_pairs:read')
  expect((await obtain(request(), narrow)).status).toBe(403)
  expect((await obtain(request({ scopes: ['key_pairs:read'] }), narrow)).status).toBe(201)
  const ofAccount = await managementToken(server, await managingApplication(server, server.firstStart.accountId))
  expect((await obtain(request(), ofAccount)).status).toBe(403)
  const { body } = await obtain(request())
  expect((await obtain(request(), body.access_token)).status).toBe(403)
})
