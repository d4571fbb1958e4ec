/** Sessions: planted ones, ended ones, and those of somebody else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import type { Browser, Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  getTokens,
  goOn,
  isAllow,
  isSignIn,
  openBrowserOn,
} from './application-fixtures.ts'

const ACTOR = { type: 'system' } as const
const SESSION = 'kw_session /'

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

const sessionOf = (browser: Browser): string | undefined => browser.cookies.get(SESSION)?.value
const plant = (browser: Browser, value: string) => browser.cookies.set(SESSION, { value, path: '/' })
const signInTo = (browser: Browser, page: Page, who = person): Promise<Page> =>
  browser.submit(page, /sign-?in$/, { email: who.email, password: who.password })

async function signedIn(who = person): Promise<Browser> {
  const browser = openBrowserOn(server)
  await getTokens(server, application, who, { browser })
  return browser
}

describe('a session', () => {
  test('cookie is HttpOnly and SameSite', async () => {
    const response = await fetch(server.url + application.link(), {
      redirect: 'manual',
      headers: { accept: 'text/html' },
    })
    const browser = openBrowserOn(server)
    await signInTo(browser, await browser.visit('/signin'))
    const page = await browser.visit('/oauth2/logout')
    const cookies = [...response.headers.getSetCookie(), ...page.headers.getSetCookie()]
    expect(cookies.length).toBeGreaterThan(2)
    for (const cookie of cookies) expect(cookie).toMatch(/samesite=lax.*httponly|httponly.*samesite=lax/i)
  })

  test('ID of an attacker is not adopted, neither an unknown one nor that of the attacker’s session', async () => {
    const planter = await signedIn(other)
    const anonymous = openBrowserOn(server)
    await anonymous.visit('/device')
    expect(sessionOf(anonymous)).toBeTruthy()
    for (const planted of ['made-up-by-somebody', sessionOf(anonymous)!, sessionOf(planter)!]) {
      const victim = openBrowserOn(server)
      plant(victim, planted)
      await goOn(victim, await victim.visit(application.link({ prompt: 'login' })), person)
      expect(sessionOf(victim)).not.toBe(planted)
      const attacker = openBrowserOn(server)
      plant(attacker, planted)
      const { left } = await attacker.visit(application.link({ prompt: 'none' }))
      expect(answerOf(left).error).toBe('login_required')
    }
  })

  test('ID changes at a sign-in without an application, and at each later one', async () => {
    const browser = openBrowserOn(server)
    await browser.visit('/device')
    const before = sessionOf(browser)
    await signInTo(browser, await browser.visit('/signin'))
    const first = sessionOf(browser)
    expect(first).not.toBe(before)
    await goOn(browser, await browser.visit(application.link({ prompt: 'login' })), person)
    expect(sessionOf(browser)).not.toBe(first)
    const stolen = openBrowserOn(server)
    plant(stolen, first!)
    expect(isSignIn(await stolen.visit(application.link()))).toBe(true)
  })

  test('that was signed out is invalid, although its cookie was kept', async () => {
    const browser = await signedIn()
    const kept = sessionOf(browser)!
    await browser.submit(await browser.visit('/oauth2/logout'), /confirm$/, { logout: 'yes' })
    plant(browser, kept)
    expect(isSignIn(await browser.visit(application.link()))).toBe(true)
  })

  test('is revoked in every other browser when the password changes', async () => {
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    const [here, there] = [await signedIn(who), await signedIn(who)]
    const next = 'another horse with a better battery'
    const form = { present: who.password, password: next, repeat: next }
    const changed = await here.submit(await here.visit('/account/password'), /password$/, form)
    expect(changed.status).toBe(200)
    expect(isSignIn(await there.visit(application.link()))).toBe(true)
    expectSentBack(server, await there.visit(application.link({ prompt: 'none' })), 'login_required')
    expect(answerOf((await here.visit(application.link())).left).code).toBeTruthy()
    // A new sign-in there is accepted.
    const again = await signInTo(there, await there.visit(application.link()), { ...who, password: next })
    expect(answerOf(again.left).code).toBeTruthy()
  })

  test('is revoked when the user is disabled, and stays revoked when the user is enabled', async () => {
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    const browser = await signedIn(who)
    await changeUserStatus(server.knex, who.id, 'disabled', ACTOR)
    expectSentBack(server, await browser.visit(application.link({ prompt: 'none' })), 'login_required')
    const refused = await signInTo(browser, await browser.visit(application.link()), who)
    expect(refused.text).toContain('Incorrect email address or password')
    await changeUserStatus(server.knex, who.id, 'active', ACTOR)
    expectSentBack(server, await browser.visit(application.link({ prompt: 'none' })), 'login_required')
    const { left } = await signInTo(browser, await browser.visit(application.link()), who)
    expect(answerOf(left).code).toBeTruthy()
  })

  test('that is revoked between the sign-in and the consent allows nothing', async () => {
    const who = await createTestUser(server.knex, server.firstStart.accountId)
    const browser = openBrowserOn(server)
    const asked = await signInTo(browser, await browser.visit(application.link()), who)
    expect(isAllow(asked)).toBe(true)
    await revokeTokensOfUser(server.knex, who.id, ACTOR)
    const next = await browser.submit(asked, /allow$/)
    expect(answerOf(next.left).code).toBeUndefined()
    expect(next.status).toBeLessThan(500)
    expect(await server.knex('consents').where({ user_id: who.id })).toEqual([])
  })
})

describe('other accounts', () => {
  test('a sign-in as another user revokes the first session, and the code is for the second user', async () => {
    const browser = await signedIn()
    const { id_token } = await getTokens(server, application, other, { browser, params: { prompt: 'login' } })
    expect(claimsOf(id_token).sub).toBe(other.id)
    const again = await getTokens(server, application, other, { browser })
    expect(claimsOf(again.id_token).sub).toBe(other.id)
  })

  test('"Use another account" on the allow page continues as the other user', async () => {
    const fresh = await createApplication(server)
    const browser = await signedIn()
    const asked = await browser.visit(fresh.link())
    expect(asked.text).toContain(person.email)
    const signin = await browser.submit(asked, /switch$/)
    const left = await goOn(browser, await signInTo(browser, signin, other), other)
    const { body } = await fresh.redeem(answerOf(left).code!)
    expect(claimsOf(body.id_token).sub).toBe(other.id)
  })

  test('a sign-in as another user in another tab does not answer the open consent page of the first', async () => {
    const fresh = await createApplication(server)
    const browser = await signedIn()
    const asked = await browser.visit(fresh.link())
    await browser.submit(await browser.visit('/account/password'), /signout$/).catch(() => undefined)
    browser.cookies.delete(SESSION)
    await signInTo(browser, await browser.visit('/signin'), other)
    const next = await browser.submit(asked, /allow$/)
    expect(next.left).toBeUndefined()
    expect(next.status).toBeLessThan(500)
    const { rows } = await server.knex.raw(
      'SELECT count(*)::int AS n FROM consents s JOIN clients c ON c.id = s.client_id WHERE c.client_id = ? AND s.user_id = ?',
      [fresh.clientId, other.id],
    )
    expect(rows[0].n).toBe(0)
  })
})
