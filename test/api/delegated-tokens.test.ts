/** Tokens of the management API with which a service of the company acts for one of its users. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { revokeToken, revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { startLoad } from '../support/load.ts'
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

interface OfService {
  readonly clientId: string
  /** The service's own. */
  readonly own: string
}

/** The secret with which the service obtained its token, after it got another one. */
async function retireFirstSecret({ clientId }: OfService) {
  await rotateSecret(server.knex, clientId, 3600, ACTOR)
  const client = server.knex('clients').where({ client_id: clientId }).select('id')
  const [id] = await server.knex('client_secrets').whereIn('client_id', client).orderBy('id').pluck('id')
  await retireSecret(server.knex, clientId, id, ACTOR)
}

test.each<[string, (of: OfService) => Promise<unknown>]>([
  ['the own token of the service is revoked', ({ own }) => revokeToken(server.knex, String(claimsOf(own).jti), ACTOR)],
  ['the tokens of the service are revoked', ({ clientId }) => revokeTokensOfClient(server.knex, clientId, ACTOR)],
  ['the secret of the service is replaced', ({ clientId }) => rotateSecret(server.knex, clientId, 0, ACTOR)],
  ['the first of two secrets of the service is retired', retireFirstSecret],
  ['the service is archived', ({ clientId }) => changeClientStatus(server.knex, clientId, 'archived', ACTOR)],
  [
    'the service may create no console sessions any more',
    ({ clientId }) =>
      updateClient(server.knex, clientId, { settings: {}, scopes: ['key_pairs:read', 'key_pairs:write'] }, ACTOR),
  ],
  [
    'the service loses the API',
    async ({ clientId }) => {
      const { identifier } = await server.make.api()
      await updateClient(server.knex, clientId, { settings: {}, apis: [identifier] }, ACTOR)
    },
  ],
])('is inactive at each node when %s', async (_, end) => {
  const one = await managingApplication(server, null)
  const own = await managementToken(server, one, 'console_sessions:create key_pairs:read key_pairs:write')
  const { status, body } = await obtain(request(), own)
  expect([status, (await as(body.access_token, other).send('GET', '/me')).status]).toEqual([201, 200])
  await end({ clientId: one.clientId, own })
  for (const node of [server, other]) expect((await as(body.access_token, node).send('GET', '/me')).status).toBe(401)
})

test('is inactive when it was obtained while the token of the service was revoked', async () => {
  const one = await managingApplication(server, null)
  const own = await managementToken(server, one, 'console_sessions:create key_pairs:read')
  const body = request({ scopes: ['key_pairs:read'] })
  const nodes = [server, other]
  const load = startLoad(4, (loop, round) =>
    rawManagement(nodes[(loop + round) % 2]!.url, own).json('POST', '/console-sessions/tokens', body),
  )
  await load.reached(12)
  await revokeToken(server.knex, String(claimsOf(own).jti), ACTOR)
  await load.next(8)
  const answers = await load.stop()
  const issued = answers.filter(({ status }) => status === 201)
  expect(issued.length).toBeGreaterThan(5)
  for (const { status } of answers) expect(status).toBeOneOf([201, 401, 403])
  for (const one of issued) expect((await as(one.body.access_token).send('GET', '/me')).status).toBe(401)
})

test('is valid no longer than the token of the service', async () => {
  const brief = await managingApplication(server, null, { accessTokenTtl: 120 })
  const own = await managementToken(server, brief)
  await updateClient(server.knex, brief.clientId, { settings: { accessTokenTtl: null } }, ACTOR)
  const { body } = await obtain(request(), own)
  expect(body.expires_in).toBeLessThanOrEqual(120)
  expect(claimsOf(body.access_token).exp).toBe(claimsOf(own).exp)
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
