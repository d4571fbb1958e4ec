/** How the parameters of an authorization request are honoured: the plan oidcc-basic. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, send } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  getCode,
  getTokens,
  goOn,
  inShort,
  isAllow,
  isSignIn,
  type Params,
  STATE,
} from './application-fixtures.ts'

let server: Keywright
let person: Person
let other: Person
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  other = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const ACR = 'urn:keywright:acr:password'
const BY_NOBODY = { grants: ['authorization_code', 'refresh_token'], consent: 'skip' } as const

/** A browser in which somebody is signed in and has allowed the application. */
async function signedIn(who = person, params: Params = {}): Promise<{ browser: Browser; tokens: Answer['body'] }> {
  const browser = openBrowser(server.url)
  return { browser, tokens: await getTokens(server, application, who, { browser, params }) }
}

const authTimeOf = (tokens: Answer['body']): number => claimsOf(tokens.id_token).auth_time as number
const codeIn = (page: Page): string => {
  expect(inShort(page)).toContain('code=')
  return answerOf(page.left).code!
}
const emailIn = (page: Page) => formsOf(page).find(({ action }) => /sign-in$/.test(action))?.fields.email
const redeem = async (page: Page): Promise<Answer['body']> => (await application.redeem(codeIn(page))).body
const userinfo = async (token: string): Promise<Answer['body']> =>
  (await send(`${server.url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })).body

describe('prompt and max_age', () => {
  test('without a prompt, a signed-in user who has consented sees no page', async () => {
    const { browser } = await signedIn()
    const { left } = await browser.visit(application.link())
    expect(answerOf(left)).toEqual({ code: expect.any(String), state: STATE, iss: server.issuer })
  })

  test('none without a session is login_required', async () => {
    expectSentBack(server, await openBrowser(server.url).visit(application.link({ prompt: 'none' })), 'login_required')
  })

  test('none with a session and a consent gets a code', async () => {
    const { browser, tokens } = await signedIn()
    const again = await redeem(
      await browser.visit(application.link({ prompt: 'none', id_token_hint: tokens.id_token })),
    )
    expect(claimsOf(again.id_token)).toMatchObject({ sub: person.id, auth_time: authTimeOf(tokens) })
  })

  test('none with a session but without consent to all scopes is consent_required or interaction_required', async () => {
    const { browser } = await signedIn()
    const stranger = await createApplication(server)
    for (const link of [
      stranger.link({ prompt: 'none' }),
      application.link({ prompt: 'none', scope: 'openid email' }),
    ]) {
      const { left } = await browser.visit(link)
      expect(['consent_required', 'interaction_required']).toContain(answerOf(left).error)
      expect(answerOf(left)).toMatchObject({ state: STATE, iss: server.issuer })
    }
  })

  test('none of a public native application never gets a code', async () => {
    const native = await createApplication(server, { isPublic: true, redirectUris: ['http://127.0.0.1/callback'] })
    const browser = openBrowser(server.url)
    await getCode(browser, native, person)
    expectSentBack(server, await browser.visit(native.link({ prompt: 'none' })), 'interaction_required')
  })

  test('login requires a new sign-in, and auth_time changes', async () => {
    const { browser, tokens } = await signedIn()
    await sleep(1100)
    const asked = await browser.visit(application.link({ prompt: 'login' }))
    expect(isSignIn(asked)).toBe(true)
    const left = await goOn(browser, asked, person)
    const again = (await application.redeem(answerOf(left).code!)).body
    expect(authTimeOf(again)).toBeGreaterThan(authTimeOf(tokens))
  })

  test('select_account lets the user choose an account', async () => {
    const { browser } = await signedIn()
    expect(isSignIn(await browser.visit(application.link({ prompt: 'select_account' })))).toBe(true)
    expect(isSignIn(await browser.visit(application.link({ prompt: 'select_account login' })))).toBe(true)
    expect(isSignIn(await browser.visit(application.link({ prompt: 'select_account consent' })))).toBe(true)
  })

  test('consent shows the consent page again', async () => {
    const { browser } = await signedIn()
    const asked = await browser.visit(application.link({ prompt: 'consent' }))
    expect(isAllow(asked)).toBe(true)
    expect(codeIn(await browser.submit(asked, /allow$/))).toBeTruthy()
  })

  test('login and consent together require both', async () => {
    const { browser } = await signedIn()
    const asked = await browser.visit(application.link({ prompt: 'login consent' }))
    expect(isSignIn(asked)).toBe(true)
    const { email, password } = person
    expect(isAllow(await browser.submit(asked, /sign-in$/, { email, password }))).toBe(true)
  })

  test('a sign-in older than max_age must be repeated; a later one need not', async () => {
    const { browser, tokens } = await signedIn()
    await sleep(2100)
    const recent = await redeem(await browser.visit(application.link({ max_age: '10000' })))
    expect(authTimeOf(recent)).toBe(authTimeOf(tokens))
    expectSentBack(server, await browser.visit(application.link({ max_age: '1', prompt: 'none' })), 'login_required')
    const asked = await browser.visit(application.link({ max_age: '1' }))
    expect([isSignIn(asked), emailIn(asked)]).toEqual([true, person.email])
    const left = await goOn(browser, asked, person)
    const renewed = (await application.redeem(answerOf(left).code!)).body
    expect(authTimeOf(renewed)).toBeGreaterThan(authTimeOf(tokens) + 1)
  })

  test('max_age 0 always requires a new sign-in, in the same second too', async () => {
    const { browser } = await signedIn()
    expect(isSignIn(await browser.visit(application.link({ max_age: '0' })))).toBe(true)
    expectSentBack(server, await browser.visit(application.link({ max_age: '0', prompt: 'none' })), 'login_required')
  })
})

describe('hints', () => {
  test('an id_token_hint of the signed-in user is accepted; one of another user requires a sign-in', async () => {
    const { browser, tokens } = await signedIn()
    const ofOther = (await signedIn(other)).tokens.id_token
    codeIn(await browser.visit(application.link({ id_token_hint: tokens.id_token })))
    expect(isSignIn(await browser.visit(application.link({ id_token_hint: ofOther })))).toBe(true)
    const silent = await browser.visit(application.link({ id_token_hint: ofOther, prompt: 'none' }))
    expectSentBack(server, silent, 'login_required')
  })

  test('a sign-in as another user than that of the id_token_hint gets no code', async () => {
    const { tokens } = await signedIn(other)
    const browser = openBrowser(server.url)
    const asked = await browser.visit(application.link({ id_token_hint: tokens.id_token }))
    const { email, password } = person
    expectSentBack(server, await browser.submit(asked, /sign-in$/, { email, password }), 'login_required')
  })

  test('an id_token_hint of another client, or with another signature, is refused', async () => {
    const stranger = await createApplication(server)
    const { id_token } = await getTokens(server, stranger, person)
    const forged = `${id_token.slice(0, -4)}AAAA`
    for (const id_token_hint of [id_token, forged]) {
      const page = await openBrowser(server.url).visit(application.link({ id_token_hint }))
      expectSentBack(server, page, 'invalid_request')
    }
  })

  test('with prompt=login or max_age the sign-in page holds the email address of the signed-in user', async () => {
    const { browser } = await signedIn()
    for (const again of [{ prompt: 'login' }, { max_age: '0' }]) {
      const asked = await browser.visit(application.link(again))
      expect(isSignIn(asked)).toBe(true)
      expect(emailIn(asked)).toBe(person.email)
      const hinted = await browser.visit(application.link({ ...again, login_hint: 'x@example.com' }))
      expect(emailIn(hinted)).toBe('x@example.com')
      expect(emailIn(await openBrowser(server.url).visit(application.link(again)))).toBe('')
    }
    const { id_token } = (await signedIn(other)).tokens
    const ofOther = application.link({ prompt: 'login', id_token_hint: id_token })
    expect(emailIn(await browser.visit(ofOther))).toBe('')
  })

  test('login_hint is in the sign-in form, as text', async () => {
    const asked = await openBrowser(server.url).visit(application.link({ login_hint: '"><b>x@example.com' }))
    expect(asked.text).not.toContain('<b>x@example.com')
    expect(asked.text).toContain('&gt;&lt;b&gt;x@example.com')
    const named = await openBrowser(server.url).visit(application.link({ login_hint: person.email }))
    expect(named.text).toContain(`value="${person.email}"`)
  })

  test('ui_locales, claims_locales, display and unknown parameters change nothing', async () => {
    const { browser } = await signedIn()
    const page = await browser.visit(
      application.link({
        ui_locales: 'de-CH xx',
        claims_locales: 'fr',
        display: 'popup',
        extra: 'foobar',
        'a[b]': 'c',
      }),
    )
    expect(codeIn(page)).toBeTruthy()
    for (const display of ['page', 'touch', 'nonsense']) codeIn(await browser.visit(application.link({ display })))
  })

  test('acr_values are voluntary: the ID token holds the actual acr', async () => {
    const { tokens } = await signedIn(person, { acr_values: '1 2' })
    expect(claimsOf(tokens.id_token)).toMatchObject({ acr: ACR, amr: ['pwd'] })
  })
})

describe('nonce and scope', () => {
  test('a nonce is in the ID token; without one there is none', async () => {
    const nonce = 'n-0S6_WzA2Mj "ä'
    expect(claimsOf((await signedIn(person, { nonce })).tokens.id_token).nonce).toBe(nonce)
    expect(claimsOf((await signedIn()).tokens.id_token)).not.toHaveProperty('nonce')
  })

  test('the order of scopes changes nothing, nor do unknown scopes beside known ones', async () => {
    const { tokens } = await signedIn(person, { scope: 'email all nonsense address phone openid' })
    expect(tokens.scope.split(' ').sort()).toEqual(['all', 'email', 'openid'])
  })

  test('surplus spaces between scopes are ignored', async () => {
    const { tokens } = await signedIn(person, { scope: '  openid   all  ' })
    expect(tokens.scope.split(' ').sort()).toEqual(['all', 'openid'])
  })

  test('a request without a scope gets the default scopes of the client, or all of its API', async () => {
    const api = await server.make.api({ scopes: ['a', 'b', 'c'] })
    const narrowed = await createApplication(server, {}, { apis: [api.identifier], scopes: ['a', 'b'] })
    for (const scope of [undefined, '']) {
      const { scope: got } = await getTokens(server, narrowed, person, { params: { scope } })
      expect(got).toBe('a b')
    }
    const set = await createApplication(server, { defaultScopes: ['openid', 'c'] }, { apis: [api.identifier] })
    const tokens = await getTokens(server, set, person, { params: { scope: undefined } })
    expect(tokens.scope.split(' ').sort()).toEqual(['c', 'openid'])
    expect(tokens.id_token).toBeTruthy()
  })

  test('a request without a scope but with a resource gets the scopes of that API', async () => {
    const [first, second] = [await server.make.api({ scopes: ['x'] }), await server.make.api({ scopes: ['y', 'z'] })]
    const app = await createApplication(server, {}, { apis: [first.identifier, second.identifier] })
    for (const name of ['resource', 'audience']) {
      const tokens = await getTokens(server, app, person, { params: { scope: undefined, [name]: second.identifier } })
      expect(tokens.scope).toBe('y z')
      expect(claimsOf(tokens.access_token).aud).toBe(second.identifier)
    }
  })

  test('a token holds the requested scopes only, although the user consented to more', async () => {
    const { tokens } = await signedIn()
    expect(tokens.scope).toBe('openid')
    expect(claimsOf(tokens.access_token).scope).toBe('openid')
  })

  test.each([
    ['profile', ['name', 'updated_at']],
    ['email', ['email', 'preferred_username']],
    ['profile email', ['name', 'preferred_username', 'updated_at', 'email']],
  ])('the scope %s gives these claims and no others', async (scope, claims) => {
    const { tokens } = await signedIn(person, { scope: `openid ${scope}` })
    expect(Object.keys(await userinfo(tokens.access_token)).sort()).toEqual(['sub', 'account_id', ...claims].sort())
  })
})

describe('clients that skip the consent page', () => {
  test('get a code without it, with prompt=consent too, and with offline access', async () => {
    const skipping = await createApplication(server, { ...BY_NOBODY })
    const browser = openBrowser(server.url)
    const signin = await browser.visit(skipping.link({ scope: 'openid offline_access all' }))
    const { email, password } = person
    expect(codeIn(await browser.submit(signin, /sign-in$/, { email, password }))).toBeTruthy()
    expect(codeIn(await browser.visit(skipping.link({ prompt: 'consent' })))).toBeTruthy()
    expect(codeIn(await browser.visit(skipping.link({ prompt: 'none', scope: 'openid email' })))).toBeTruthy()
  })
})
