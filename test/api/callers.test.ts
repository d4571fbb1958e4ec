/** Authentication and permissions of callers of the management API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import {
  managementToken,
  managingApplication,
  managingForUsers,
  rawManagement,
  tokenOfUser,
} from '../support/management.ts'
import { claimsOf, send } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'

let server: Keywright
let otherNode: Keywright
let home: string

beforeAll(async () => {
  server = await startKeywright()
  const { DATABASE_URL, ENCRYPTION_KEY } = server.env
  otherNode = await startKeywright({ databaseUrl: DATABASE_URL!, env: { ENCRYPTION_KEY, ISSUER: server.issuer } })
  home = server.firstStart.accountId
})

afterAll(async () => {
  await otherNode?.stop()
  await server?.stop()
})

const me = (token: string | undefined, headers: Record<string, string> = {}, at = server) =>
  rawManagement(at.url, token).send('GET', '/me', { headers })

const invalid = { status: 401, body: { type: 'urn:keywright:error:invalid_token', status: 401 } }

describe('an access token', () => {
  test('is required, with a challenge that has no error code (RFC 6750, section 3.1)', async () => {
    for (const headers of [{}, { authorization: 'Basic dTpw' }] as Record<string, string>[]) {
      const response = await me(undefined, headers)
      expect(response).toMatchObject({ status: 401, body: { type: 'urn:keywright:error:missing_token' } })
      const challenges =
        'Bearer realm="Keywright management", DPoP realm="Keywright management", algs="ES256 RS256 PS256 EdDSA Ed25519"'
      expect(response.headers.get('www-authenticate')).toBe(challenges)
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    }
  })

  test('that Keywright did not issue, or that was altered, is invalid', async () => {
    const token = await managementToken(server, server.firstStart.keyPair)
    for (const one of ['x', 'a.b.c', `${token}A`, token.slice(0, -4), 'kws_1', '%00', `Bearer ${token}`]) {
      const response = await me(one)
      expect(response, one).toMatchObject(invalid)
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  test('for another API is invalid', async () => {
    const { body } = await server.machineToken(server.firstStart.keyPair)
    expect(await me(body.access_token)).toMatchObject(invalid)
  })

  test('in the query string is not accepted', async () => {
    const token = await managementToken(server, server.firstStart.keyPair)
    expect((await send(`${server.url}/api/v1/me?access_token=${token}`)).status).toBe(401)
  })

  test('that one node revoked is invalid on the other node at once', async () => {
    const client = await managingApplication(server, home)
    const token = await managementToken(server, client)
    for (const node of [server, otherNode]) expect((await me(token, {}, node)).status).toBe(200)
    await otherNode.revoke(token, client)
    for (const node of [server, otherNode]) expect(await me(token, {}, node)).toMatchObject(invalid)
  })

  test('without the required scope gets the name of that scope (RFC 6750, section 3.1)', async () => {
    const token = await managementToken(server, server.firstStart.keyPair, 'tokens:read')
    const response = await rawManagement(server.url, token).send('GET', '/applications')
    expect(response).toMatchObject({ status: 403, body: { type: 'urn:keywright:error:insufficient_scope' } })
    expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope", scope="applications:read"$/)
  })

  test('that was issued with an API key is valid only with that key', async () => {
    const settings = { name: 'Keyed', grants: ['client_credentials'], apiKeyRequired: true }
    const client = await server.make.client(settings, [MANAGEMENT_API])
    const headers = { 'x-api-key': client.apiKey }
    const { body } = await server.machineToken(client, {}, { headers })
    expect(claimsOf(body.access_token).cnf).toBeDefined()
    expect(await me(body.access_token)).toMatchObject(invalid)
    expect(await me(body.access_token, { 'x-api-key': 'kwk_another' })).toMatchObject(invalid)
    expect((await me(body.access_token, headers)).status).toBe(200)
  })
})

describe('an application that acts for a user', () => {
  test('has the permissions of the user, who is the actor in the audit log', async () => {
    const client = await managingForUsers(server, home)
    for (const role of ['admin', 'member'] as const) {
      const user = await createTestUser(server.knex, home, role)
      const token = await tokenOfUser(server, client, user)
      const expected = { role, account_id: home, user_id: user.id, acts_as: { type: 'user', id: user.id } }
      expect((await me(token)).body).toMatchObject(expected)
      const list = await rawManagement(server.url, token).send('GET', '/users')
      expect(list.status, role).toBe(role === 'admin' ? 200 : 403)
      const body = { email: `${role}-invites@example.com`, role: 'member', email_verified: true }
      const invited = await rawManagement(server.url, token).json('POST', '/users', body)
      expect(invited.status, role).toBe(role === 'admin' ? 201 : 403)
      if (role === 'member') continue
      expect(invited.body.email_verified).toBe(true)
      const entry = await server.knex('audit_log').where({ target_id: invited.body.id }).first()
      const by = { actor_type: 'user', actor_id: user.id, detail: { through: client.clientId } }
      expect(entry).toMatchObject(by)
    }
  })

  test('cannot act for users of another account', async () => {
    const client = await managingForUsers(server, home)
    const stranger = await createTestUser(server.knex, await server.make.account(), 'admin')
    const operator = await createTestUser(server.knex, home)
    await server.knex('users').where({ id: operator.id }).update({ role: 'operator', account_id: null })
    for (const user of [stranger, operator]) {
      const response = await me(await tokenOfUser(server, client, user))
      expect(response).toMatchObject({ status: 403, body: { type: 'urn:keywright:error:forbidden' } })
    }
    const instances = await managingForUsers(server, null)
    expect((await me(await tokenOfUser(server, instances, operator))).body).toMatchObject({ role: 'operator' })
  })

  test('loses access when the user is disabled', async () => {
    const client = await managingForUsers(server, home)
    const user = await createTestUser(server.knex, home, 'admin')
    const token = await tokenOfUser(server, client, user)
    expect((await me(token)).status).toBe(200)
    await changeUserStatus(server.knex, user.id, 'disabled', ACTOR)
    expect(await me(token)).toMatchObject(invalid)
  })
})

test('a key pair whose owner is no longer an admin has no access, even with a valid token', async () => {
  const owner = await server.make.user()
  const pair = await server.make.keyPair(owner.id, [MANAGEMENT_API])
  const token = await managementToken(server, pair)
  expect((await me(token)).status).toBe(200)
  await server.knex('users').where({ id: owner.id }).update({ role: 'member' })
  expect((await me(token)).status).toBe(403)
})
