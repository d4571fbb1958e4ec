import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'

const ACTOR = { type: 'system' } as const

let server: Keywright
let api: Credentials & { identifier: string }
let client: Credentials
let stranger: Credentials

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  client = await server.make.client({ clientCredentialsRefresh: true }, [api.identifier])
  stranger = await server.make.client({ clientCredentialsRefresh: true }, [api.identifier])
})

afterAll(() => server.stop())

interface Tokens {
  access_token: string
  refresh_token: string
}

const issue = async (who = client): Promise<Tokens> => (await server.machineToken(who)).body
const isActive = async (token: string, asked = api) => (await server.introspect(token, asked)).body.active
const redeem = (refresh_token: string, basic = client): Promise<Answer> =>
  server.token({ grant_type: 'refresh_token', refresh_token }, { basic })

/** RFC 7009, section 2.2. The body is JSON because some clients parse it. */
function expectDone({ status, headers, text }: Answer): void {
  const type = headers.get('content-type')
  expect([status, type, text]).toEqual([200, 'application/json; charset=utf-8', '{}'])
}

test('a client revokes its own access token, which is inactive from the response on; a second revocation changes nothing', async () => {
  const [token, other] = [await issue(), await issue()]
  expectDone(await server.revoke(token.access_token, client))
  expect(await isActive(token.access_token)).toBe(false)
  expect(await isActive(token.access_token, client as typeof api)).toBe(false)
  expectDone(await server.revoke(token.access_token, client))
  expect(await isActive(other.access_token)).toBe(true)
})

test('a wrong or unknown token_type_hint changes nothing (RFC 7009, section 2.1)', async () => {
  for (const token_type_hint of ['refresh_token', 'access_token', 'nonsense']) {
    const { access_token, refresh_token } = await issue()
    for (const token of [access_token, refresh_token]) {
      expectDone(await server.token({ token, token_type_hint }, { path: '/oauth2/revoke', basic: client }))
    }
    expect(await isActive(access_token)).toBe(false)
    expect((await redeem(refresh_token)).body.error).toBe('invalid_grant')
  }
})

test('a client revokes its refresh token, and with it every access token that the refresh token obtained', async () => {
  const first = await issue()
  const second: Tokens = (await redeem(first.refresh_token)).body
  expectDone(await server.revoke(second.refresh_token, client))
  expect(await isActive(first.access_token)).toBe(false)
  expect(await isActive(second.access_token)).toBe(false)
  for (const { refresh_token } of [first, second]) {
    const { status, body } = await redeem(refresh_token)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  }
})

test('a client cannot revoke the token of another client, and an API cannot revoke a token for itself', async () => {
  const { access_token, refresh_token } = await issue()
  for (const other of [stranger, api]) {
    for (const token of [access_token, refresh_token]) {
      const { status, body } = await server.revoke(token, other)
      expect([status, body.error]).toEqual([400, 'invalid_request'])
    }
  }
  expect(await isActive(access_token)).toBe(true)
  expect((await redeem(refresh_token)).status).toBe(200)
})

test('an unknown token is answered with 200 (RFC 7009, section 2.2)', async () => {
  const { access_token } = await issue()
  for (const token of ['x', 'a.b.c', 'kwr_x', `${access_token}A`, 'x'.repeat(50_000)]) {
    expectDone(await server.revoke(token, client))
  }
  expect(await isActive(access_token)).toBe(true)
})

test('an altered token revokes nothing', async () => {
  const { access_token } = await issue()
  const [header, payload, signature] = access_token.split('.') as [string, string, string]
  const mine = Buffer.from(JSON.stringify({ ...claimsOf(access_token), client_id: stranger.clientId }))
  for (const token of [`${header}.${mine.toString('base64url')}.${signature}`, `${header}.${payload}.`]) {
    expectDone(await server.revoke(token, stranger))
  }
  expect(await isActive(access_token)).toBe(true)
})

test('a client that does not authenticate revokes nothing', async () => {
  const { access_token } = await issue()
  const wrong = [
    { ...client, clientSecret: stranger.clientSecret },
    { ...client, clientId: 'kwc_nobody' },
  ]
  for (const caller of wrong) {
    const { status, body } = await server.revoke(access_token, caller)
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  }
  const open = await server.token({ token: access_token, client_id: client.clientId }, { path: '/oauth2/revoke' })
  expect(open.status).toBe(401)
  expect(await isActive(access_token)).toBe(true)
})

test('a replaced client secret revokes nothing, with a valid or an unknown token', async () => {
  const replaced = await server.make.client({ clientCredentialsRefresh: true }, [api.identifier])
  expectDone(await server.revoke((await issue(replaced)).access_token, replaced))
  const { clientSecret } = await rotateSecret(server.knex, replaced.clientId, 0, ACTOR)
  const { access_token } = await issue({ ...replaced, clientSecret: clientSecret! })
  for (const token of [access_token, 'garbage']) {
    const { status, body } = await server.revoke(token, replaced)
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  }
  expect(await isActive(access_token)).toBe(true)
})

test('a request without a token is a bad request', async () => {
  const { status, body } = await server.token({}, { path: '/oauth2/revoke', basic: client })
  expect([status, body.error]).toEqual([400, 'invalid_request'])
})

test('the audit log names who revoked which token, and holds no token', async () => {
  const { access_token, refresh_token } = await issue()
  const { jti } = claimsOf(access_token)
  const answer = await server.revoke(access_token, client, { headers: { 'x-request-id': 'forged-42' } })
  expectDone(answer)
  // A caller's own id is not the server's: anybody can send the id of somebody else's request.
  expect(answer.headers.get('x-request-id')).not.toBe('forged-42')
  expectDone(await server.revoke(refresh_token, client))
  const entries = await server.knex('audit_log').whereIn('action', ['token.revoked', 'refresh_token.revoked'])
  expect(entries.find((entry) => entry.target_id === jti)).toMatchObject({
    action: 'token.revoked',
    actor_type: 'client',
    actor_id: client.clientId,
    account_id: server.firstStart.accountId,
    request_id: answer.headers.get('x-request-id'),
    ip: expect.any(String),
  })
  expect(entries.some((entry) => entry.action === 'refresh_token.revoked')).toBe(true)
  expect(JSON.stringify(entries)).not.toContain(access_token)
  expect(JSON.stringify(entries)).not.toContain('kwr_')
})

test('twenty concurrent revocations of one token all succeed, and one audit event is recorded', async () => {
  const { access_token } = await issue()
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.revoke(access_token, client)))
  answers.forEach(expectDone)
  const entries = await server.knex('audit_log').where({ target_id: claimsOf(access_token).jti as string })
  expect(entries).toHaveLength(1)
})
