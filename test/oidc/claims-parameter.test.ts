/** Single claims that a request names: OpenID Connect Core, section 5.5. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, send } from '../support/requests.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  getTokens,
  inShort,
  isAllow,
  isSignIn,
  type Params,
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

/** A browser in which somebody is signed in and has allowed the application. */
async function signedIn(who = person, params: Params = {}): Promise<{ browser: Browser; tokens: Answer['body'] }> {
  const browser = openBrowser(server.url)
  return { browser, tokens: await getTokens(server, application, who, { browser, params }) }
}

const codeIn = (page: Page): string => {
  expect(inShort(page)).toContain('code=')
  return answerOf(page.left).code!
}
const userinfo = async (token: string): Promise<Answer['body']> =>
  (await send(`${server.url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })).body

/** What userinfo returns for every access token. */
const always = () => ({ sub: person.id, account_id: server.firstStart.accountId })

describe('the claims parameter', () => {
  const claims = (value: object): Params => ({ claims: JSON.stringify(value) })

  test('returns single claims by userinfo and in the ID token, each where it was requested', async () => {
    const wanted = { userinfo: { name: { essential: true } }, id_token: { email: null, unknown: { essential: true } } }
    const { tokens } = await signedIn(person, claims(wanted))
    expect(await userinfo(tokens.access_token)).toEqual({ ...always(), name: person.name })
    expect(claimsOf(tokens.id_token)).toMatchObject({ email: person.email })
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('name')
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('unknown')
  })

  test('shows single claims on the consent page, once', async () => {
    const browser = openBrowser(server.url)
    const app = await createApplication(server)
    const link = app.link(claims({ userinfo: { email: null } }))
    const signin = await browser.visit(link)
    const asked = await browser.submit(signin, /sign-in$/, { email: person.email, password: person.password })
    expect(isAllow(asked)).toBe(true)
    expect(asked.text).toMatch(/email/i)
    codeIn(await browser.submit(asked, /allow$/))
    codeIn(await browser.visit(link))
  })

  test('ignores an unknown claim', async () => {
    const app = await createApplication(server)
    const browser = openBrowser(server.url)
    const params = claims({ userinfo: { 'https://example.com/unknown': { essential: true } } })
    const tokens = await getTokens(server, app, person, { browser, params })
    expect(await userinfo(tokens.access_token)).toEqual(always())
  })

  test('requires the user of a given sub to sign in', async () => {
    const { browser } = await signedIn()
    codeIn(await browser.visit(application.link(claims({ id_token: { sub: { value: person.id } } }))))
    const ofOther = claims({ id_token: { sub: { value: other.id } } })
    expect(isSignIn(await browser.visit(application.link(ofOther)))).toBe(true)
    expectSentBack(server, await browser.visit(application.link({ ...ofOther, prompt: 'none' })), 'login_required')
    const fresh = openBrowser(server.url)
    const { email, password } = person
    const next = await fresh.submit(await fresh.visit(application.link(ofOther)), /sign-in$/, { email, password })
    expectSentBack(server, next, 'login_required')
  })

  test('accepts an essential acr that is supported, and no other', async () => {
    const { browser } = await signedIn()
    codeIn(await browser.visit(application.link(claims({ id_token: { acr: { essential: true, values: [ACR] } } }))))
    const wanted = claims({ id_token: { acr: { essential: true, value: 'urn:other' } } })
    const { left } = await browser.visit(application.link({ ...wanted, prompt: 'none' }))
    expect(answerOf(left).error).toBe('login_required')
    const wrong = claims({ id_token: { acr: { essential: true, values: 'no list' } } })
    expectSentBack(server, await browser.visit(application.link(wrong)), 'invalid_request')
  })

  test('ends with an error for an essential acr that is not supported', async () => {
    const browser = openBrowser(server.url)
    const wanted = claims({ id_token: { acr: { essential: true, value: 'urn:other' } } })
    const asked = await browser.visit(application.link(wanted))
    const { email, password } = person
    const next = await browser.submit(asked, /sign-in$/, { email, password })
    expectSentBack(server, next, 'unmet_authentication_requirements')
  })

  test('refuses or ignores hostile claims without a server error', async () => {
    const { browser } = await signedIn()
    for (const value of [
      { userinfo: { __proto__: null, constructor: null, toString: null } },
      { id_token: { auth_time: { essential: 'x' }, acr: 1, sub: 'x' } },
      { userinfo: { email: { values: [{}] } }, id_token: { acr: { values: {} } } },
    ]) {
      const page = await browser.visit(application.link(claims(value)))
      expect(page.left ?? page.status).not.toBe(500)
      expect(page.status).toBeLessThan(500)
    }
    const raw = '{"userinfo":{"__proto__":{"essential":true},"":null}}'
    expect((await browser.visit(application.link({ claims: raw }))).status).toBeLessThan(500)
  })
})
