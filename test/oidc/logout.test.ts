/** The plans rp-initiated-logout and backchannel-rp-initiated-logout. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, metricOf, send } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  getTokens,
  inShort,
  isForward,
  isSignIn,
  type Params,
} from './application-fixtures.ts'

const DONE = 'https://app.example.com/bye'

let server: Keywright
let person: Person
let application: Application
let listener: Server
/** The back-channel requests that clients received. */
const received: { path: string; form: URLSearchParams; request: IncomingMessage }[] = []

beforeAll(async () => {
  listener = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ path: request.url!, form: new URLSearchParams(body), request })
    if (request.url === '/silent') return
    response.writeHead(request.url === '/broken' ? 500 : 200).end()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await register()
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
  listener.closeAllConnections()
  listener.close()
})

const register = (settings: object = {}) =>
  createApplication(server, { postLogoutRedirectUris: [DONE], consent: 'skip', ...settings })

const backchannel = (path: string) =>
  register({ backchannelLogoutUri: `http://127.0.0.1:${(listener.address() as AddressInfo).port}${path}` })

const link = (params: Params): string => {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/oauth2/logout?${new URLSearchParams(given)}`
}

async function signedIn(app = application, browser = openBrowser(server.url), who = person) {
  const tokens: Answer['body'] = await getTokens(server, app, who, {
    browser,
    params: { scope: 'openid offline_access' },
  })
  return { browser, tokens }
}

const confirm = (browser: Browser, page: Page, logout = true): Promise<Page> =>
  browser.submit(page, /confirm$/, logout ? { logout: 'yes' } : {})

const isSignedIn = async (browser: Browser): Promise<boolean> => !isSignIn(await browser.visit(application.link()))

describe('RP-initiated logout', () => {
  test('with an id_token_hint and a registered URI asks the user to confirm, and redirects with the state', async () => {
    const { browser, tokens } = await signedIn()
    const hint = { id_token_hint: tokens.id_token, post_logout_redirect_uri: DONE, state: 's & 1' }
    const asked = await browser.visit(link(hint))
    expect(asked.text).toContain('Sign out?')
    const { left } = await confirm(browser, asked)
    expect(left!.origin + left!.pathname).toBe(DONE)
    expect([...left!.searchParams]).toEqual([['state', 's & 1']])
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('without a state redirects without one', async () => {
    const { browser, tokens } = await signedIn()
    const asked = await browser.visit(link({ id_token_hint: tokens.id_token, post_logout_redirect_uri: DONE }))
    expect((await confirm(browser, asked)).left!.href).toBe(DONE)
  })

  test('accepts a client_id in place of the hint', async () => {
    const { browser } = await signedIn()
    const asked = await browser.visit(link({ client_id: application.clientId, post_logout_redirect_uri: DONE }))
    expect((await confirm(browser, asked)).left!.href).toBe(DONE)
  })

  test('without any parameter ends at a page of this server', async () => {
    const { browser } = await signedIn()
    const done = await confirm(browser, await browser.visit(link({})))
    expect([done.left, done.status]).toEqual([undefined, 200])
    expect(done.text).toContain('signed out')
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('ignores a URI without a hint or client_id', async () => {
    const { browser } = await signedIn()
    const done = await confirm(browser, await browser.visit(link({ post_logout_redirect_uri: DONE, state: 's' })))
    expect([done.left, done.status]).toEqual([undefined, 200])
  })

  test.each([
    'https://evil.example.com/bye',
    'https://app.example.com/bye/',
    'https://app.example.com/bye?x=1',
    'https://app.example.com@evil.example.com/bye',
    'http://app.example.com/bye',
    'javascript:alert(1)',
    '//evil.example.com',
    '',
  ])('an address that is not registered is a page: %j', async (post_logout_redirect_uri) => {
    const { browser, tokens } = await signedIn()
    for (const who of [{ id_token_hint: tokens.id_token }, { client_id: application.clientId }]) {
      const page = await browser.visit(link({ ...who, post_logout_redirect_uri }))
      if (post_logout_redirect_uri === '') expect(page.text).toContain('Sign out?')
      else expectPage(page)
    }
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('shows a page for a malformed or forged hint, or one of an unknown client', async () => {
    const { browser, tokens } = await signedIn()
    const { privateKey } = await generateKeyPair('RS256')
    const forge = (aud: string) =>
      new SignJWT({ sub: person.id, aud, iss: server.issuer }).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
    const altered = tokens.id_token.replace(/\.[^.]*$/, '.AAAA')
    const hints = [
      'nonsense',
      'a.b.c',
      altered,
      await forge(application.clientId),
      await forge('nobody'),
      tokens.access_token,
    ]
    for (const id_token_hint of hints) {
      const page = await browser.visit(link({ id_token_hint, post_logout_redirect_uri: DONE }))
      expectPage(page)
      expect(page.text).toContain('<h1>You are not signed out</h1>')
      expect(page.text).toContain('invalid_request: id_token_hint is not an ID token')
      expect(page.text).toContain('href="/oauth2/logout"')
    }
    const other = await register()
    expectPage(await browser.visit(link({ id_token_hint: tokens.id_token, client_id: other.clientId })))
    expectPage(await browser.visit(link({ client_id: 'nobody' })))
    expectPage(await browser.visit(`${link({ post_logout_redirect_uri: DONE })}&client_id=a&client_id=b`))
    expectPage(await browser.visit('/oauth2/logout?state=%00'))
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('shows a page for the client_id of a machine client with a URI', async () => {
    const machine = await server.make.client()
    const page = await openBrowser(server.url).visit(
      link({ client_id: machine.clientId, post_logout_redirect_uri: DONE }),
    )
    expectPage(page)
  })

  test('accepts an expired hint, also of a user who has signed out meanwhile', async () => {
    const { browser, tokens } = await signedIn()
    await confirm(browser, await browser.visit(link({})))
    const page = await browser.visit(
      link({ id_token_hint: tokens.id_token, post_logout_redirect_uri: DONE, state: 'x' }),
    )
    // Nobody is there to be asked: it goes on by itself.
    expect(isForward(page)).toBe(true)
    const { left } = await browser.submit(page, /confirm$/)
    expect(left!.href).toBe(`${DONE}?state=x`)
  })

  test('without a session ends at the page for a signed-out user', async () => {
    const browser = openBrowser(server.url)
    const done = await browser.submit(await browser.visit('/oauth2/logout'), /confirm$/)
    expect(done.text).toContain('signed out')
  })

  test('returns to the application without a sign-out when the user declines', async () => {
    const { browser, tokens } = await signedIn()
    const asked = await browser.visit(
      link({ id_token_hint: tokens.id_token, post_logout_redirect_uri: DONE, state: 's' }),
    )
    const { left } = await confirm(browser, asked, false)
    expect(left!.href).toBe(`${DONE}?state=s`)
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('accepts a POST from a form of the application', async () => {
    const { browser, tokens } = await signedIn()
    const body = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: DONE })
    const asked = await browser.visit('/oauth2/logout', { method: 'POST', body })
    expect((await confirm(browser, asked)).left!.href).toBe(DONE)
  })

  test('refuses a confirmation without xsrf, with that of another session, or a second time', async () => {
    const { browser } = await signedIn()
    const asked = await browser.visit(link({}))
    const stranger = await signedIn()
    const foreign = formsOf(await stranger.browser.visit(link({})))[0]!.fields.xsrf!
    for (const xsrf of ['', foreign, 'x']) {
      const body = new URLSearchParams({ xsrf, logout: 'yes' })
      expectPage(await browser.visit('/oauth2/logout/confirm', { method: 'POST', body }))
    }
    expect(await isSignedIn(browser)).toBe(true)
    expect((await browser.visit('/oauth2/logout/confirm')).status).toBeLessThan(500)
    await confirm(browser, asked).catch(() => undefined)
    const twice = await browser.visit('/oauth2/logout/confirm', {
      method: 'POST',
      body: new URLSearchParams(formsOf(asked)[0]!.fields),
    })
    expectPage(twice)
  })

  test('does not revoke refresh tokens with offline access', async () => {
    const { browser, tokens } = await signedIn()
    await confirm(browser, await browser.visit(link({})))
    expect((await server.introspect(tokens.access_token, server.firstStart.api)).body.active).toBe(true)
    expect((await application.refresh(tokens.refresh_token)).status).toBe(200)
  })

  test('redirects to a private-use scheme, or to any port of loopback', async () => {
    const native = await register({
      redirectUris: ['com.example.app:/callback'],
      postLogoutRedirectUris: ['com.example.app:/bye', 'http://127.0.0.1/bye'],
    })
    for (const address of ['com.example.app:/bye', 'http://127.0.0.1:5000/bye']) {
      const browser = openBrowser(server.url)
      const asked = await browser.visit(link({ client_id: native.clientId, post_logout_redirect_uri: address }))
      expect((await browser.submit(asked, /confirm$/)).left!.href).toBe(address)
    }
    const web = await register({ postLogoutRedirectUris: ['com.example.app:/bye'] })
    const page = await openBrowser(server.url).visit(web.link({ prompt: 'none' }))
    expect(inShort(page)).toContain('login_required')
  })
})

describe('back-channel logout', () => {
  test('a session that its user ends in another browser sends a logout token to each of its clients', async () => {
    const [one, many] = [await backchannel('/ended'), await backchannel('/others')]
    // Without the sessions of the tests before, whose last use may be written meanwhile.
    const user = await createTestUser(server.knex, server.firstStart.accountId)
    const here = openBrowser(server.url)
    await signedIn(application, here, user)
    await signedIn(one, openBrowser(server.url), user)
    const [, path] = /href="([^"]*\/end)"/.exec((await here.visit('/account/security')).text)!
    await here.submit(await here.visit(path!), /end$/)
    expect(received.filter((request) => request.path === '/ended')).toHaveLength(1)
    for (const browser of [openBrowser(server.url), openBrowser(server.url)]) await signedIn(many, browser, user)
    await here.submit(await here.visit('/account/security/sessions/others'), /others$/)
    expect(received.filter((request) => request.path === '/others')).toHaveLength(2)
    expect(await isSignedIn(here)).toBe(true)
  })

  test('every client of the session gets a logout token of its own', async () => {
    const [one, two] = [await backchannel('/one'), await backchannel('/two')]
    const browser = openBrowser(server.url)
    const first = (await signedIn(one, browser)).tokens
    await signedIn(two, browser)
    await confirm(browser, await browser.visit(link({})))
    expect(received.filter(({ path }) => path === '/two')).toHaveLength(1)
    const [{ form, request }] = received.filter(({ path }) => path === '/one') as [(typeof received)[0]]
    expect(request.method).toBe('POST')
    expect(request.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
    expect([...form.keys()]).toEqual(['logout_token'])
    const { body: keys } = await send(`${server.url}/oauth2/jwks`)
    const { payload, protectedHeader } = await jwtVerify(form.get('logout_token')!, createLocalJWKSet(keys), {
      issuer: server.issuer,
      audience: one.clientId,
      typ: 'logout+jwt',
    })
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toEqual({
      iss: server.issuer,
      aud: one.clientId,
      sub: person.id,
      sid: claimsOf(first.id_token).sid,
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    expect(payload.exp! - payload.iat!).toBeLessThanOrEqual(120)
    expect(payload).not.toHaveProperty('nonce')
  })

  test('only the requesting client gets a logout token when the user declines', async () => {
    const [asking, other] = [await backchannel('/asking'), await backchannel('/other')]
    const browser = openBrowser(server.url)
    await signedIn(other, browser)
    const { tokens } = await signedIn(asking, browser)
    const asked = await browser.visit(link({ id_token_hint: tokens.id_token }))
    await confirm(browser, asked, false)
    const paths = received.map(({ path }) => path)
    expect([paths.includes('/asking'), paths.includes('/other')]).toEqual([true, false])
  })

  test('a client that fails or does not respond stops neither the sign-out nor the other logout tokens', async () => {
    const apps = [await backchannel('/broken'), await backchannel('/silent'), await backchannel('/last')]
    const browser = openBrowser(server.url)
    for (const app of apps) await signedIn(app, browser)
    const counted = (outcome: string) =>
      metricOf(server.url, 'keywright_backchannel_logouts_total', `outcome="${outcome}"`)
    const before = [await counted('delivered'), await counted('failed')] as const
    const started = Date.now()
    const done = await confirm(browser, await browser.visit(link({})))
    expect(done.text).toContain('signed out')
    expect(Date.now() - started).toBeLessThan(20_000)
    expect(received.map(({ path }) => path)).toContain('/last')
    expect([await counted('delivered'), await counted('failed')]).toEqual([before[0] + 1, before[1] + 2])
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('a URI inside the network is not called, and does not stop the sign-out', async () => {
    const inside = await register({ backchannelLogoutUri: 'https://169.254.169.254/latest' })
    const { browser } = await signedIn(inside)
    const done = await confirm(browser, await browser.visit(link({})))
    expect(done.text).toContain('signed out')
  })

  test('a sign-in as another user sends logout tokens to the clients of the first', async () => {
    const app = await backchannel('/switched')
    const { browser } = await signedIn(app)
    const other = await createTestUser(server.knex, server.firstStart.accountId)
    const { id_token } = await getTokens(server, application, other, { browser, params: { prompt: 'login' } })
    expect(claimsOf(id_token).sub).toBe(other.id)
    expect(received.map(({ path }) => path)).toContain('/switched')
  })
})
