/** ID tokens: OpenID Connect Core, sections 2 and 3.1.3.7. */
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf, send } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createApplication, expectNoFieldErrors, getTokens } from './application-fixtures.ts'

let server: Keywright
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const BACKCHANNEL = { backchannelLogoutUri: 'https://app.example.com/backchannel' }

const OF_SCOPES = ['name', 'locale', 'updated_at', 'email', 'email_verified', 'preferred_username']
const privateClaims = (idToken: string) => OF_SCOPES.filter((name) => name in claimsOf(idToken))

describe('an ID token', () => {
  test('is signed by a key of the key set, for its client alone, with subject, time and method of the sign-in', async () => {
    const app = await createApplication(server)
    const before = Math.floor(Date.now() / 1000)
    const { id_token } = await getTokens(server, app, person, { params: { nonce: 'n-1' } })
    const { body: keys } = await send(`${server.url}/oauth2/jwks`)
    const { payload, protectedHeader } = await jwtVerify(id_token, createLocalJWKSet(keys), {
      issuer: server.issuer,
      audience: app.clientId,
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: server.issuer,
      sub: person.id,
      aud: app.clientId,
      iat: expect.any(Number),
      exp: payload.iat! + 3600,
      auth_time: expect.any(Number),
      nonce: 'n-1',
      acr: 'urn:keywright:acr:password',
      amr: ['pwd'],
    })
    expect(payload.auth_time).toBeGreaterThanOrEqual(before)
  })

  test('holds no claims of the scopes profile and email, which userinfo returns (OpenID Connect Core, section 5.4)', async () => {
    const app = await createApplication(server)
    const params = { scope: 'openid profile email offline_access' }
    const first = await getTokens(server, app, person, { params })
    const { body: refreshed } = await app.refresh(first.refresh_token)
    for (const { id_token } of [first, refreshed]) expect(privateClaims(id_token)).toEqual([])
    const headers = { authorization: `Bearer ${refreshed.access_token}` }
    const { body } = await send(`${server.url}/oauth2/userinfo`, { headers })
    expect(body).toMatchObject({ name: person.name, email: person.email })
  })

  test('holds the claims that the claims parameter requests for it, after a refresh too', async () => {
    const app = await createApplication(server)
    const claims = JSON.stringify({ id_token: { email: null } })
    const params = { scope: 'openid profile email offline_access', claims }
    const first = await getTokens(server, app, person, { params })
    const { body: refreshed } = await app.refresh(first.refresh_token)
    for (const { id_token } of [first, refreshed]) expect(privateClaims(id_token)).toEqual(['email'])
  })

  test('holds sid for a client with back-channel logout, at a refresh too, and for no other client', async () => {
    const params = { scope: 'openid offline_access' }
    const withLogout = await createApplication(server, BACKCHANNEL)
    const first = await getTokens(server, withLogout, person, { params })
    const { sid } = claimsOf(first.id_token)
    expect(sid).toEqual(expect.any(String))
    expect(claimsOf((await withLogout.refresh(first.refresh_token)).body.id_token).sid).toBe(sid)
    const untold = await createApplication(server)
    expect(claimsOf((await getTokens(server, untold, person, { params })).id_token)).not.toHaveProperty('sid')
  })

  test('has the same sub for a user at every client', async () => {
    const [one, two] = [await createApplication(server), await createApplication(server)]
    const subs = [await getTokens(server, one, person), await getTokens(server, two, person)]
    expect(subs.map(({ id_token }) => claimsOf(id_token).sub)).toEqual([person.id, person.id])
  })

  test('is not accepted as an access token', async () => {
    const app = await createApplication(server)
    const { id_token } = await getTokens(server, app, person)
    expect((await server.introspect(id_token, server.firstStart.api)).body).toEqual({ active: false })
    const headers = { authorization: `Bearer ${id_token}` }
    expect((await send(`${server.url}/oauth2/userinfo`, { headers })).status).toBe(401)
  })
})
