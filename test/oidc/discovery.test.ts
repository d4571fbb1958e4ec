/** The plan oidcc-config: what the discovery document says is so, and what is not so it does not say. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GRANTS, JWT_BEARER_GRANT, TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { rawPost, sendRaw } from '../support/raw-http.ts'
import { type Answer, basicHeader, claimsOf, postForm, send } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'
import {
  answerOf,
  createApplication,
  expectNoFieldErrors,
  getTokens,
  isForward,
  openBrowserOn,
} from './application-fixtures.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

let server: Keywright
let document: Answer['body']

beforeAll(async () => {
  server = await startKeywright()
  document = (await send(`${server.url}/.well-known/openid-configuration`)).body
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

describe('the document', () => {
  test('is the same JSON at both paths, for every caller', async () => {
    const other = await send(`${server.url}/.well-known/oauth-authorization-server`)
    expect(other.body).toEqual(document)
    expect(other.headers.get('content-type')).toMatch(/^application\/json/)
    expect(document.issuer).toBe(server.issuer)
  })

  test('has the required members (OpenID Connect Discovery, section 3; RFC 8414, section 2)', () => {
    expect(document).toMatchObject({
      authorization_endpoint: `${server.issuer}/oauth2/authorize`,
      token_endpoint: `${server.issuer}/oauth2/token`,
      userinfo_endpoint: `${server.issuer}/oauth2/userinfo`,
      jwks_uri: `${server.issuer}/oauth2/jwks`,
      introspection_endpoint: `${server.issuer}/oauth2/introspect`,
      revocation_endpoint: `${server.issuer}/oauth2/revoke`,
      end_session_endpoint: `${server.issuer}/oauth2/logout`,
      device_authorization_endpoint: `${server.issuer}/oauth2/device`,
      pushed_authorization_request_endpoint: `${server.issuer}/oauth2/par`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256', 'ES256']),
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      request_uri_parameter_supported: false,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      claims_parameter_supported: true,
    })
    expect(document).not.toHaveProperty('registration_endpoint')
  })

  test('lists existing endpoints only: none responds with 404 or 500', async () => {
    const endpoints = Object.entries(document).filter(([name]) => name.endsWith('_endpoint') || name === 'jwks_uri')
    expect(endpoints.length).toBe(11)
    for (const [name, address] of endpoints as [string, string][]) {
      for (const method of ['GET', 'POST']) {
        const { status } = await send(address, { method, redirect: 'manual' })
        const isKeys = name === 'jwks_uri' && method === 'POST'
        expect([name, method, isKeys || (status !== 404 && status < 500)]).toEqual([name, method, true])
      }
    }
  })

  test('omits what is not supported', async () => {
    for (const path of [
      '/oauth2/register',
      '/oauth2/backchannel',
      '/oauth2/challenge',
      '/token',
      '/auth',
      '/me',
      '/session/end',
    ]) {
      expect([path, (await send(server.url + path, { method: 'POST' })).status]).toEqual([path, 404])
    }
  })

  test('the key set holds public keys only, each with kid, alg and use', async () => {
    const { body } = await send(document.jwks_uri)
    expect(body.keys.length).toBeGreaterThan(0)
    for (const key of body.keys) {
      expect(key).toMatchObject({ kid: expect.any(String), alg: expect.any(String), use: 'sig' })
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret)
    }
    expect(new Set(body.keys.map(({ kid }: { kid: string }) => kid)).size).toBe(body.keys.length)
  })

  test('the key set responds with 304 to its entity tag, and with 200 to another', async () => {
    const etag = (await send(document.jwks_uri)).headers.get('etag')!
    // `fetch` adds `Cache-Control: no-cache` by itself.
    const again = await send(document.jwks_uri, { headers: { 'if-none-match': `"other", W/${etag}` } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    expect((await send(document.jwks_uri, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })
})

describe('the document lists what works', () => {
  test('every response_mode', async () => {
    // Those of JARM are tried in signed-responses.test.ts.
    const signed = ['form_post.jwt', 'fragment.jwt', 'jwt', 'query.jwt']
    const unsigned = ['form_post', 'fragment', 'query']
    expect([...document.response_modes_supported].sort()).toEqual([...unsigned, ...signed].sort())
    const app = await createApplication(server)
    for (const response_mode of unsigned) {
      const page = await openBrowserOn(server).visit(app.link({ response_mode, prompt: 'none' }))
      expect([response_mode, isForward(page) || answerOf(page.left).error === 'login_required']).toEqual([
        response_mode,
        true,
      ])
    }
  })

  test('every client authentication method, at each endpoint', async () => {
    expect([...document.token_endpoint_auth_methods_supported].sort()).toEqual([
      'client_secret_basic',
      'client_secret_post',
      'none',
      'private_key_jwt',
    ])
    const machine = await server.make.client()
    const key = await newClientKey()
    const { clientId } = await server.make.register({ settings: { authMethod: 'private_key_jwt' }, keys: key.parsed })
    const provedByKey = async () => assertionForm(await signAssertion(key, { clientId, audience: server.issuer }))
    const inBody = { client_id: machine.clientId, client_secret: machine.clientSecret }
    expect((await server.machineToken(machine)).status).toBe(200)
    expect((await server.token({ grant_type: 'client_credentials', ...inBody })).status).toBe(200)
    expect((await server.token({ grant_type: 'client_credentials', ...(await provedByKey()) })).status).toBe(200)
    for (const address of [document.introspection_endpoint, document.revocation_endpoint]) {
      expect((await postForm(address, { token: 'x' }, { basic: machine })).status).toBe(200)
      expect((await postForm(address, { token: 'x', ...inBody })).status).toBe(200)
      expect((await postForm(address, { token: 'x', ...(await provedByKey()) })).status).toBe(200)
    }
    const spa = await createApplication(server, { isPublic: true })
    expect((await postForm(document.revocation_endpoint, { token: 'x', client_id: spa.clientId })).status).toBe(200)
    expect((await spa.redeem('x')).body.error).toBe('invalid_grant')
    for (const method of ['client_secret_jwt', 'tls_client_auth']) {
      expect(document.token_endpoint_auth_methods_supported).not.toContain(method)
    }
  })

  test('every grant, and no other', async () => {
    expect([...document.grant_types_supported].sort()).toEqual([
      'authorization_code',
      'client_credentials',
      'refresh_token',
      DEVICE,
      JWT_BEARER_GRANT,
      TOKEN_EXCHANGE_GRANT,
    ])
    expect([...document.grant_types_supported].sort(), 'a registration may have each of them').toEqual(
      [...GRANTS].sort(),
    )
    const all = await createApplication(server, { grants: document.grant_types_supported })
    for (const grant_type of document.grant_types_supported) {
      const { body } = await server.token(
        { grant_type, code: 'x', redirect_uri: 'x', refresh_token: 'x', device_code: 'x' },
        { basic: all.basic },
      )
      expect([grant_type, body.error ?? 'a token']).toEqual([
        grant_type,
        {
          client_credentials: 'a token',
          [TOKEN_EXCHANGE_GRANT]: 'invalid_request',
          [JWT_BEARER_GRANT]: 'invalid_request',
        }[grant_type as string] ?? 'invalid_grant',
      ])
    }
    for (const grant_type of ['password', 'implicit', 'urn:ietf:params:oauth:grant-type:saml2-bearer']) {
      expect((await server.token({ grant_type }, { basic: all.basic })).body.error).toBe('unsupported_grant_type')
    }
  })

  test('every claim', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    await server.knex('users').where({ id: person.id }).update({ email_verified: true, language: 'de' })
    const app = await createApplication(server, { backchannelLogoutUri: 'https://app.example.com/out' })
    const { access_token, id_token } = await getTokens(server, app, person, {
      params: { scope: 'openid profile email' },
    })
    const headers = { authorization: `Bearer ${access_token}` }
    const about = (await send(document.userinfo_endpoint, { headers })).body
    const documented = new Set([...Object.keys(about), ...Object.keys(claimsOf(id_token))])
    expect(document.claims_supported.filter((claim: string) => !documented.has(claim))).toEqual([])
    expect(document.acr_values_supported).toContain(claimsOf(id_token).acr)
  })
})

describe('URLs are on the issuer’s origin, whatever the Host header is', () => {
  const HOSTILE = { Host: 'evil.example.com', 'X-Forwarded-Host': 'evil.example.com' }

  test('in the document, at a device, and on the way through the pages', async () => {
    const app = await createApplication(server, { grants: ['authorization_code', DEVICE] })
    const basic = basicHeader(app.basic)
    const form = { Authorization: basic, 'Content-Type': 'application/x-www-form-urlencoded', ...HOSTILE }
    const get = (path: string) =>
      sendRaw(
        server.url,
        `GET ${path} HTTP/1.1\r\nHost: evil.example.com\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
      )
    for (const answer of [
      await get('/.well-known/openid-configuration'),
      await get(app.link()),
      await get(`http://evil.example.com${app.link()}`),
      await get('/oauth2/logout'),
      await get('/device'),
      await sendRaw(server.url, rawPost('/oauth2/device', form, '')),
      await sendRaw(server.url, rawPost('/oauth2/par', form, new URLSearchParams(app.requested({})).toString())),
    ]) {
      expect(answer).toMatch(/^HTTP\/1.1 (200|201|303)/)
      expect(answer).not.toContain('evil.example.com')
    }
  })

  test('behind a proxy that ends TLS: links are https, cookies are for https only', async () => {
    const proxied = await startKeywright({ env: { ISSUER: 'https://auth.example.com' } })
    try {
      const app = await createApplication(proxied, { grants: ['authorization_code', DEVICE] })
      const { body } = await postForm(`${proxied.url}/oauth2/device`, {}, { basic: app.basic })
      expect(body.verification_uri).toBe('https://auth.example.com/device')
      const answer = await fetch(proxied.url + app.link(), { redirect: 'manual', headers: { accept: 'text/html' } })
      for (const cookie of answer.headers.getSetCookie()) expect(cookie).toMatch(/; secure/)
      const page = await openBrowserOn(proxied).visit('/oauth2/logout')
      expect(page.text).toContain('action="/oauth2/logout/confirm"')
      const configuration = await send(`${proxied.url}/.well-known/openid-configuration`)
      const addresses = Object.values(configuration.body).filter((value) => String(value).startsWith('http'))
      expect(addresses.every((address) => String(address).startsWith('https://auth.example.com'))).toBe(true)
    } finally {
      await proxied.stop()
    }
  })
})
