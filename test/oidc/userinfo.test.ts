/** Userinfo: OpenID Connect Core, section 5.3; RFC 6750; and what browsers of other origins may read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveProfile } from '../../src/accounts/user-administration.ts'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { signJwt } from '../../src/keys/jwt.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  getCode,
  getTokens,
  openBrowserOn,
} from './application-fixtures.ts'

const ACTOR = { type: 'system' } as const

let server: Keywright
let person: Person
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const tokenOf = async (scope = 'openid email all', app = application, who = person): Promise<string> =>
  (await getTokens(server, app, who, { params: { scope } })).access_token

const address = () => `${server.url}/oauth2/userinfo`
const get = (headers: Record<string, string> = {}): Promise<Answer> => send(address(), { headers })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** The claims of the scope `openid`. */
const onlyOpenid = () => ({ sub: person.id, account_id: person.accountId })

function expectRefused({ status, headers, body }: Answer, expected: number, error: string): void {
  expect([status, body.error]).toEqual([expected, error])
  expect(headers.get('www-authenticate')).toMatch(new RegExp(`^Bearer .*error="${error}"`))
}

describe('an access token is accepted', () => {
  test('in the header by GET or POST, or in the body by POST', async () => {
    const token = await tokenOf()
    const about = {
      ...{ sub: person.id, email: person.email, account_id: server.firstStart.accountId },
      preferred_username: person.email,
    }
    for (const answer of [
      await get(bearer(token)),
      await get({ authorization: `bearer ${token}` }),
      await postForm(address(), {}, { headers: bearer(token) }),
      await send(address(), { method: 'POST', headers: bearer(token) }),
      await postForm(address(), { access_token: token }),
    ]) {
      expect([answer.status, answer.body]).toEqual([200, about])
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
  })

  test('for any API', async () => {
    const api = await server.make.api()
    const app = await createApplication(server, {}, { apis: [api.identifier] })
    expect((await get(bearer(await tokenOf('openid read', app)))).body).toEqual(onlyOpenid())
  })

  test('for the claims of its own scopes only, whatever else the user allowed', async () => {
    await tokenOf('openid email profile')
    expect((await get(bearer(await tokenOf('openid')))).body).toEqual(onlyOpenid())
  })
})

describe('RFC 6750, section 3.1', () => {
  test('a request without a token gets 401 without an error code', async () => {
    for (const answer of [await get(), await postForm(address(), {})]) {
      expect([400, 401]).toContain(answer.status)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="/)
    }
    expect((await get()).status).toBe(401)
  })

  test('a token in two ways, or in the query, is invalid_request', async () => {
    const token = await tokenOf()
    const twice = await postForm(address(), { access_token: token }, { headers: bearer(token) })
    expectRefused(twice, 400, 'invalid_request')
    const { status } = await send(`${address()}?access_token=${token}`)
    expect([400, 401]).toContain(status)
  })

  test('a malformed or foreign token, or one with another signature or type, is invalid_token', async () => {
    const { access_token, id_token, refresh_token } = await getTokens(server, application, person, {
      params: { scope: 'openid offline_access' },
    })
    const [header, claims] = access_token.split('.')
    for (const token of [
      'nonsense',
      'a.b.c',
      `${header}.${claims}.AAAA`,
      `eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.${claims}.`,
      id_token,
      refresh_token,
    ]) {
      expectRefused(await get(bearer(token)), 401, 'invalid_token')
    }
    for (const authorization of ['Bearer', 'Bearer  ', 'Basic abc', 'Bearer a b', '☃'.normalize().slice(1) || 'x']) {
      expect([400, 401]).toContain((await get({ authorization })).status)
    }
  })

  test('a token that was revoked or has expired, or whose consent, user or client is gone, is invalid_token', async () => {
    const revoked = await tokenOf()
    await server.revoke(revoked, application.basic)
    expectRefused(await get(bearer(revoked)), 401, 'invalid_token')

    const app = await createApplication(server)
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    const withdrawn = await tokenOf('openid', app, who)
    await withdrawConsent(server.knex, { userId: who.id, clientId: app.clientId }, ACTOR)
    expectRefused(await get(bearer(withdrawn)), 401, 'invalid_token')

    const ofGone = await tokenOf('openid', app, who)
    await changeUserStatus(server.knex, who.id, 'disabled', ACTOR)
    expectRefused(await get(bearer(ofGone)), 401, 'invalid_token')
  })

  test('an expired token is invalid_token, although everything else is valid', async () => {
    const claims = claimsOf(await tokenOf())
    const { database, encryptionKeys } = server.instance
    const { ring } = await openKeyRings(database, encryptionKeys)
    const move = async (seconds: number) => {
      const exp = Math.floor(Date.now() / 1000) + seconds
      const expires_at = server.knex.raw('to_timestamp(?)', [exp])
      await server
        .knex('access_tokens')
        .where({ jti: claims.jti as string })
        .update({ expires_at })
      return await get(bearer(await signJwt(ring.current('ES256'), 'at+jwt', { ...claims, exp })))
    }
    expect((await move(60)).status).toBe(200)
    expectRefused(await move(-1), 401, 'invalid_token')
  })

  test('a token without openid, of a user or a machine client, is insufficient_scope or invalid_token', async () => {
    const plain = await tokenOf('all')
    expectRefused(await get(bearer(plain)), 403, 'insufficient_scope')
    const machine = await server.make.client()
    const { access_token } = (await server.machineToken(machine)).body
    const { status } = await get(bearer(access_token))
    expect([401, 403]).toContain(status)
  })
})

describe('a page of another origin', () => {
  const ORIGIN = 'https://app.example.com'
  const EVIL = 'https://evil.example.com'
  const from = (origin: string) => ({ headers: { origin } })
  const allowed = ({ headers }: Answer) => headers.get('access-control-allow-origin')

  test('on the origin of a redirect URI can read the token response; any other cannot, and uses no code', async () => {
    const spa = await createApplication(server, { isPublic: true })
    const browser = openBrowserOn(server)
    const refused = await spa.redeem(await getCode(browser, spa, person), {}, from(EVIL))
    expect([refused.status, allowed(refused)]).toEqual([400, null])
    const answer = await spa.redeem(await getCode(browser, spa, person), {}, from(ORIGIN))
    expect([answer.status, allowed(answer)]).toEqual([200, ORIGIN])
    expect(answer.headers.get('vary')).toMatch(/origin/i)
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    const token = answer.body.access_token
    const about = await get({ ...bearer(token), ...from(ORIGIN).headers })
    expect([about.status, allowed(about)]).toEqual([200, ORIGIN])
    const stolen = await get({ ...bearer(token), ...from(EVIL).headers })
    expect([stolen.status >= 400, allowed(stolen)]).toEqual([true, null])
  })

  test('on a loopback address can read the token response at any port, as a redirect URI matches any (RFC 8252)', async () => {
    const local = await createApplication(server, { isPublic: true, redirectUris: ['http://localhost/callback'] })
    const redirect_uri = 'http://localhost:6274/callback'
    const readableFrom = async (origin: string) => {
      const code = await getCode(openBrowserOn(server), local, person, { redirect_uri })
      return allowed(await local.redeem(code, { redirect_uri }, from(origin)))
    }
    expect(await readableFrom('http://localhost:6274')).toBe('http://localhost:6274')
    for (const other of ['http://127.0.0.1:6274', 'https://localhost:6274', 'http://localhost.example.com', 'null']) {
      expect(await readableFrom(other)).toBeNull()
    }
  })

  test('can read why its client was refused', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: 'kwr_unknown', client_id: 'unknown' }
    const refused = await server.token(form, from(ORIGIN))
    expect([refused.status, refused.body.error, allowed(refused)]).toEqual([401, 'invalid_client', ORIGIN])
  })

  test('gets an answer to its preflight request', async () => {
    for (const [path, header] of [
      ['/oauth2/token', 'dpop'],
      ['/oauth2/userinfo', 'authorization'],
      ['/oauth2/revoke', 'content-type'],
      ['/.well-known/openid-configuration', 'mcp-protocol-version'],
      ['/.well-known/oauth-authorization-server', 'mcp-protocol-version'],
    ]) {
      const headers = {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': header!,
      }
      const answer = await send(server.url + path, { method: 'OPTIONS', headers })
      expect([answer.status, allowed(answer)]).toEqual([204, ORIGIN])
      expect(answer.headers.get('access-control-allow-headers')).toContain(header)
    }
  })

  test('can read discovery and keys on any origin, and the authorization endpoint on none', async () => {
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/oauth2/jwks',
    ]) {
      expect([EVIL, '*']).toContain(allowed(await send(server.url + path, from(EVIL))))
    }
    const answer = await send(server.url + application.link({ prompt: 'none' }), { ...from(EVIL), redirect: 'manual' })
    expect(allowed(answer)).toBeNull()
  })
})

test('locale is the language of the user, for the scope profile or where it is requested, and changes updated_at', async () => {
  const who = await createTestUser(server.knex, server.firstStart.accountId)
  const about = async (scope: string) => (await get(bearer(await tokenOf(scope, application, who)))).body
  const before = await about('openid profile')
  expect(before).not.toHaveProperty('locale')
  await server
    .knex('users')
    .where({ id: who.id })
    .update({ updated_at: new Date(0) })
  await saveProfile(server.knex, who.id, { language: 'pt' }, ACTOR)
  const selected = await about('openid profile')
  expect(selected.locale).toBe('pt')
  expect(selected.updated_at).toBeGreaterThan(0)
  expect(await about('openid email')).not.toHaveProperty('locale')
  const params = { scope: 'openid', claims: JSON.stringify({ id_token: { locale: null } }) }
  expect(claimsOf((await getTokens(server, application, who, { params })).id_token).locale).toBe('pt')
})

describe('email_verified', () => {
  const claimOf = async (who: Person) => (await get(bearer(await tokenOf('openid email', application, who)))).body

  test('is omitted while nobody has asserted that the address is the user’s', async () => {
    const body = await claimOf(person)
    expect(body.email).toBe(person.email)
    expect(body).not.toHaveProperty('email_verified')
    expect(passesOauth2Proxy(body)).toBe(true)
  })

  test('is true once that was asserted', async () => {
    const verified = await createTestUser(server.knex, server.firstStart.accountId)
    await saveProfile(server.knex, verified.id, { emailVerified: true }, ACTOR)
    const body = await claimOf(verified)
    expect(body.email_verified).toBe(true)
    expect(passesOauth2Proxy(body)).toBe(true)
    const claims = JSON.stringify({ id_token: { email_verified: null } })
    const { id_token } = await getTokens(server, application, verified, { params: { scope: 'openid email', claims } })
    expect(claimsOf(id_token).email_verified).toBe(true)
  })

  /** oauth2-proxy refuses a user whose claim is present and false. */
  const passesOauth2Proxy = (claims: Record<string, unknown>) =>
    claims.email_verified === undefined || claims.email_verified === true
})
