/** What the authorization endpoint refuses: RFC 6749, section 4.1.2.1; RFC 9700, section 4.1; OpenID Connect Core, 3.1.2.6. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { formsOf, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  CALLBACK,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  expectSentBack,
  inShort,
  isSignIn,
  type Params,
} from './application-fixtures.ts'

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

const visit = (address: string, init?: RequestInit): Promise<Page> => openBrowser(server.url).visit(address, init)
const ask = (params: Params, by = application): Promise<Page> => visit(by.link(params))

describe('a request without a valid client and redirect URI shows a page, and redirects nobody', () => {
  test.each([
    ['no client_id', { client_id: undefined }],
    ['an empty client_id', { client_id: '' }],
    ['an unknown client_id', { client_id: 'nobody' }],
    ['a client_id that is too long', { client_id: 'a'.repeat(300) }],
  ] as [string, Params][])('%s', async (_, params) => {
    expectPage(await ask(params))
  })

  test('no redirect_uri of a client that has several redirect URIs', async () => {
    const two = await createApplication(server, { redirectUris: [CALLBACK, `${CALLBACK}/2`] })
    expectPage(await ask({ redirect_uri: undefined }, two))
  })

  test.each([
    'https://evil.example.com/callback',
    'https://app.example.com.evil.example.com/callback',
    'https://app.example.com@evil.example.com/callback',
    'https://user@app.example.com/callback',
    'https://evil.example.com\\@app.example.com/callback',
    'https://app.example.com/callback/',
    'https://app.example.com/callback/../evil',
    'https://app.example.com/%63allback',
    'https://app.example.com/callback%2f..%2fevil',
    'https://app.example.com/callback?next=https://evil.example.com',
    'https://app.example.com/callback?',
    'https://app.example.com/callback#fragment',
    'https://app.example.com/callback#',
    'https://app.example.com/Callback',
    'https://APP.example.com/callback',
    'https://app.example.com:443/callback',
    'https://app.example.com:8443/callback',
    'https://app.example.com./callback',
    'http://app.example.com/callback',
    'https://app.example.com/callback ',
    ' https://app.example.com/callback',
    'https://app.example.com/callback\r\nLocation: https://evil.example.com',
    '//app.example.com/callback',
    '/callback',
    'javascript:alert(1)',
    'data:text/html,hello',
    'https://[::1]/callback',
  ])('a redirect_uri that is not the registered one: %j', async (redirect_uri) => {
    expectPage(await ask({ redirect_uri }))
    // Nor does another error let one slip through.
    expectPage(await ask({ redirect_uri, response_type: 'nonsense' }))
    expectPage(await ask({ redirect_uri, scope: '"' }))
    expectPage(await ask({ redirect_uri, prompt: 'none' }))
  })

  test('a repeated redirect_uri or client_id; a client with one redirect URI gets the error there', async () => {
    const two = await createApplication(server, { redirectUris: [CALLBACK, `${CALLBACK}/2`] })
    for (const more of [CALLBACK, 'https://evil.example.com']) {
      expectPage(await visit(`${two.link()}&redirect_uri=${encodeURIComponent(more)}`))
      const { left } = await visit(`${application.link()}&redirect_uri=${encodeURIComponent(more)}`)
      expect(left!.origin + left!.pathname).toBe(CALLBACK)
      expect(answerOf(left).error).toBe('invalid_request')
    }
    expectPage(await visit(`${application.link()}&client_id=${application.clientId}`))
  })

  test('an archived client, the client of an API, and a machine client, which has no redirect URI', async () => {
    const archived = await createApplication(server)
    await changeClientStatus(server.knex, archived.clientId, 'archived', { type: 'system' })
    expectPage(await ask({}, archived))
    const machine = await server.make.client()
    for (const client_id of [server.firstStart.api.clientId, server.firstStart.keyPair.clientId, machine.clientId]) {
      expectPage(await ask({ client_id }))
      expectPage(await ask({ client_id, response_type: 'nonsense' }))
      expectPage(await ask({ client_id, redirect_uri: undefined }))
    }
  })

  test('a NUL character anywhere, and a request that is too long', async () => {
    expectPage(await visit(`${application.link()}&x=%00`))
    expectPage(await visit(application.link({ state: 'a\0b' })))
    expectPage(await visit(application.link({ state: 'x'.repeat(9000) })), 414)
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const big = new URLSearchParams(application.requested({ state: 'x'.repeat(9000) })).toString()
    expectPage(await visit('/oauth2/authorize', { ...form, body: big }), 413)
    expectPage(await visit('/oauth2/authorize', { ...form, body: `${'x'.repeat(70_000)}=1` }), 413)
    expectPage(await visit('/oauth2/authorize', { ...form, body: 'state=%00' }))
    expectPage(
      await visit('/oauth2/authorize', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }),
    )
  })

  test('a program gets the same error as JSON', async () => {
    const answer = await visit(application.link({ client_id: 'nobody' }), { headers: { accept: 'application/json' } })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'invalid_client' })
  })

  test('parameters are shown as text, never as markup', async () => {
    const hostile = '"><script>alert(1)</script>'
    for (const params of [{ client_id: hostile }, { redirect_uri: hostile }, { client_id: 'nobody', state: hostile }]) {
      const { text } = await ask(params)
      expect(text).not.toContain('<script>alert')
    }
  })
})

describe('native applications (RFC 8252)', () => {
  const native = (redirectUris: string[]) => createApplication(server, { redirectUris, isPublic: true })

  test('a registered loopback URI matches any port, and no other difference', async () => {
    const app = await native(['http://127.0.0.1:8000/callback', 'http://[::1]/callback'])
    for (const redirect_uri of [
      'http://127.0.0.1/callback',
      'http://127.0.0.1:8000/callback',
      'http://127.0.0.1:49152/callback',
      'http://[::1]:49152/callback',
    ]) {
      expect(inShort(await ask({ redirect_uri }, app))).toContain('Sign in')
    }
    for (const redirect_uri of [
      'https://127.0.0.1:8000/callback',
      'http://127.0.0.1:8000/callback/',
      'http://127.0.0.1:8000/callback?a=b',
      'http://127.0.0.2:8000/callback',
      'http://localhost:8000/callback',
      'http://user@127.0.0.1:8000/callback',
      'http://127.0.0.1:80@evil.example.com/callback',
      'http://127.0.0.1:99999/callback',
      'http://127.0.0.1.evil.example.com/callback',
      'http://2130706433/callback',
    ]) {
      expectPage(await ask({ redirect_uri }, app))
    }
  })

  test('the port of an https URI must match, on loopback too', async () => {
    const app = await native(['https://localhost:8443/callback', 'com.example.app:/callback'])
    expectPage(await ask({ redirect_uri: 'https://localhost:8444/callback' }, app))
    expect(isSignIn(await ask({ redirect_uri: 'https://localhost:8443/callback' }, app))).toBe(true)
  })

  test('a private-use scheme must match letter by letter', async () => {
    const app = await native(['com.example.app:/callback'])
    expect(isSignIn(await ask({}, app))).toBe(true)
    for (const redirect_uri of [
      'com.example.app:/callback2',
      'com.example.app://callback',
      'com.example.evil:/callback',
    ]) {
      expectPage(await ask({ redirect_uri }, app))
    }
    expectSentBack(server, await ask({ response_type: 'token' }, app), 'unsupported_response_type')
  })
})

describe('a request with a valid client and redirect URI redirects the error, with state and issuer', () => {
  test.each([
    ['response_type is missing', { response_type: undefined }, 'invalid_request'],
    ['response_type is empty', { response_type: '' }, 'invalid_request'],
    ['response_type is unknown', { response_type: 'nonsense' }, 'unsupported_response_type'],
    ['implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
    ['hybrid flow', { response_type: 'code id_token', nonce: 'n' }, 'unsupported_response_type'],
    ['response_type none', { response_type: 'none' }, 'unsupported_response_type'],
    ['a scope of forbidden characters', { scope: 'openid "all"' }, 'invalid_scope'],
    ['a scope that nobody knows, and no other', { scope: 'nonsense' }, 'invalid_scope'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a challenge without its method', { code_challenge_method: undefined }, 'invalid_request'],
    ['a challenge in plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['an unknown method', { code_challenge_method: 'S512' }, 'invalid_request'],
    ['a method without a challenge', { code_challenge: undefined }, 'invalid_request'],
    ['a challenge that is too short', { code_challenge: 'short' }, 'invalid_request'],
    ['a challenge of other characters', { code_challenge: `${'a'.repeat(42)}+` }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'nonsense' }, 'invalid_request'],
    ['prompt none beside another', { prompt: 'none login' }, 'invalid_request'],
    ['prompt none beside select_account', { prompt: 'none select_account' }, 'invalid_request'],
    ['a max_age that is no number', { max_age: 'soon' }, 'invalid_request'],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['claims that are no object', { claims: '[]' }, 'invalid_request'],
    ['claims for nobody', { claims: '{"other":{}}' }, 'invalid_request'],
    ['an id_token_hint that is none', { id_token_hint: 'nonsense' }, 'invalid_request'],
    ['a request_uri that is not ours', { request_uri: 'https://app.example.com/request' }, 'request_uri_not_supported'],
    ['a registration', { registration: '{}' }, 'registration_not_supported'],
    ['a resource that the client does not have', { resource: 'https://other.example.com' }, 'invalid_target'],
    ['a resource that is no address', { resource: 'nonsense' }, 'invalid_target'],
    ['an audience that the client does not have', { audience: 'https://other.example.com' }, 'invalid_target'],
    ['an unknown response_mode', { response_mode: 'nonsense' }, 'unsupported_response_mode'],
  ] as [string, Params, string][])('%s', async (_, params, error) => {
    const page = await ask(params)
    expectSentBack(server, page, error)
    expect(answerOf(page.left).error_description).toBeTruthy()
    const form = formsOf(await ask({ response_mode: 'form_post', ...params }))[0]
    if (form) expect(form.fields.error_description).toBeTruthy()
  })

  test.each([
    'scope',
    'state',
    'nonce',
    'prompt',
    'code_challenge',
    'response_type',
    'response_mode',
    'claims',
    'max_age',
  ])('%s twice', async (name) => {
    const page = await visit(`${application.link()}&${name}=a&${name}=b`)
    const { error, iss } = Object.fromEntries(page.left!.searchParams)
    expect([error, iss]).toEqual(['invalid_request', server.issuer])
  })

  test('several resources, or an audience beside another resource', async () => {
    const [one, two] = [await server.make.api(), await server.make.api()]
    const app = await createApplication(server, {}, { apis: [one.identifier, two.identifier] })
    const also = (name: string) => `${app.link({ resource: one.identifier })}&${name}=${two.identifier}`
    expectSentBack(server, await visit(also('resource')), 'invalid_target')
    expectSentBack(server, await visit(also('audience')), 'invalid_target')
    const twice = `${app.link({ audience: one.identifier })}&audience=${two.identifier}`
    expectSentBack(server, await visit(twice), 'invalid_request')
  })

  test('a client without the authorization_code grant', async () => {
    const machine = await createApplication(server, { grants: ['client_credentials'], redirectUris: [CALLBACK] })
    expectSentBack(server, await ask({}, machine), 'unauthorized_client')
  })

  test('a request without a state gets none back, and the issuer', async () => {
    const { left } = await ask({ state: undefined, prompt: 'none' })
    expect(left!.searchParams.has('state')).toBe(false)
    expect(left!.searchParams.get('iss')).toBe(server.issuer)
  })

  test('a state of any characters is returned unchanged', async () => {
    const state = 'ä & = + %25 "\' <b> ☃ \n'
    const { left } = await ask({ state, prompt: 'none' })
    expect(left!.searchParams.get('state')).toBe(state)
  })

  test('the query of a redirect URI is retained', async () => {
    const app = await createApplication(server, { redirectUris: [`${CALLBACK}?tenant=1`] })
    const page = await ask({ prompt: 'none' }, app)
    expectSentBack(server, page, 'login_required')
    expect(page.left!.searchParams.get('tenant')).toBe('1')
  })

  test('a form by POST is processed like a link', async () => {
    const body = (params: Params) => new URLSearchParams(application.requested(params))
    expectSentBack(
      server,
      await visit('/oauth2/authorize', { method: 'POST', body: body({ scope: '"' }) }),
      'invalid_scope',
    )
    const asked = await visit('/oauth2/authorize', { method: 'POST', body: body({ login_hint: person.email }) })
    expect(isSignIn(asked)).toBe(true)
    expect(asked.text).toContain(person.email)
  })

  test('deny is access_denied', async () => {
    const browser = openBrowser(server.url)
    const asked = await browser.visit(application.link())
    expectSentBack(server, await browser.submit(asked, /deny$/), 'access_denied')
  })
})
