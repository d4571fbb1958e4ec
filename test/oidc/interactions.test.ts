/** Sign-ins under way: what is old, foreign, doubled, or sent by somebody else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf, send } from '../support/requests.ts'
import { type Browser, formsOf, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  getTokens,
  goOn,
  inShort,
  isAllow,
  isSignIn,
  openBrowserOn,
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

const signInTo = (browser: Browser, page: Page, who = person): Promise<Page> =>
  browser.submit(page, /sign-?in$/, { email: who.email, password: who.password })

async function signedIn(who = person): Promise<Browser> {
  const browser = openBrowserOn(server)
  await getTokens(server, application, who, { browser })
  return browser
}

/** A page that says how it stands; not an error of ours, and nobody sent anywhere. */
function expectOver(page: Page): void {
  expect(inShort(page)).toMatch(/This sign-in has expired|Invalid request/)
  expect(page.left).toBeUndefined()
  expect(page.status).toBeLessThan(500)
}

describe('an interaction', () => {
  test('belongs to its browser: in another browser it has expired', async () => {
    const victim = openBrowserOn(server)
    const asked = await victim.visit(application.link())
    const attacker = await signedIn(other)
    await attacker.visit(application.link({ prompt: 'login' }))
    for (const browser of [attacker, openBrowserOn(server)]) {
      expectOver(await browser.visit(asked.url))
      const { uid } = { uid: asked.url.split('/').at(-1)! }
      expectOver(await browser.visit(`/oauth2/authorize/${uid}`))
    }
    // Nor does a form get through that was sent with cookies of one's own.
    const form = formsOf(asked)[0]!
    const { csrf } = formsOf(await attacker.visit(application.link({ prompt: 'login' })))[0]!.fields
    const body = new URLSearchParams({ csrf: csrf!, email: other.email, password: other.password })
    const sent = await attacker.visit(form.action, { method: 'POST', body })
    expectPage(sent)
  })

  test('with an unknown or malformed id shows a page', async () => {
    const browser = await signedIn()
    for (const uid of ['nonsense', 'a'.repeat(100), '..%2f', '%00', '%zz', '☃']) {
      for (const path of [`/interaction/${uid}`, `/oauth2/authorize/${uid}`, `/device/${uid}`]) {
        const page = await browser.visit(path)
        expect([path, page.status >= 400 && page.status < 500, page.left]).toEqual([path, true, undefined])
        expect(page.headers.get('content-type')).toMatch(/html/)
      }
    }
  })

  test('that is resumed before it is finished continues to ask', async () => {
    const browser = openBrowserOn(server)
    const asked = await browser.visit(application.link())
    const uid = asked.url.split('/').at(-1)!
    const resumed = await browser.visit(`/oauth2/authorize/${uid}`)
    expect(answerOf(resumed.left).code).toBeUndefined()
    expect(resumed.status).toBeLessThan(500)
  })

  test('in each of two tabs gets a code', async () => {
    const app = await createApplication(server, { consent: 'skip' })
    const browser = openBrowserOn(server)
    const [one, two] = [
      await browser.visit(app.link({ state: 'one' })),
      await browser.visit(app.link({ state: 'two' })),
    ]
    expect(answerOf((await signInTo(browser, one)).left)).toMatchObject({ code: expect.any(String), state: 'one' })
    expect(answerOf((await signInTo(browser, two)).left)).toMatchObject({ code: expect.any(String), state: 'two' })
  })

  test('in two tabs with two users gets a code for the user of each', async () => {
    const app = await createApplication(server, { consent: 'skip' })
    const browser = openBrowserOn(server)
    const [one, two] = [await browser.visit(app.link()), await browser.visit(app.link())]
    const first = await goOn(browser, await signInTo(browser, one), person)
    const second = await goOn(browser, await signInTo(browser, two, other), other)
    const subs = [first, second].map(
      async (left) => claimsOf((await app.redeem(answerOf(left).code!)).body.id_token).sub,
    )
    expect(await Promise.all(subs)).toEqual([person.id, other.id])
  })

  test('whose form is sent twice, or after the back button, shows how to continue', async () => {
    const app = await createApplication(server)
    const browser = openBrowserOn(server)
    const signin = await browser.visit(app.link())
    const asked = await signInTo(browser, signin)
    expect(isAllow(asked)).toBe(true)
    // Back to the sign-in page, which is answered already.
    const stale = await signInTo(browser, signin)
    expect(stale.status).toBeLessThan(500)
    expect(stale.left && answerOf(stale.left).code).toBeUndefined()
    const done = await browser.submit(asked, /allow$/)
    const code = answerOf(done.left).code
    expect(code ?? inShort(done)).toBeTruthy()
    for (const form of [/allow$/, /deny$/, /switch$/]) expectOver(await browser.submit(asked, form))
    expectOver(await browser.visit(asked.url))
    expectOver(await signInTo(browser, signin))
  })

  test('whose form is sent twice at once causes no server error', async () => {
    const app = await createApplication(server)
    const browser = openBrowserOn(server)
    const asked = await signInTo(browser, await browser.visit(app.link()))
    const both = await Promise.all([browser.submit(asked, /allow$/), browser.submit(asked, /allow$/)])
    for (const { status } of both) expect(status).toBeLessThan(500)
    expect(both.some(({ left }) => answerOf(left).code !== undefined)).toBe(true)
  })

  test('sends the password in no redirect (RFC 9700, section 4.12)', async () => {
    const app = await createApplication(server, { consent: 'skip' })
    const browser = openBrowserOn(server)
    const asked = await browser.visit(app.link())
    expect(asked.headers.get('referrer-policy')).toBe('same-origin')
    const { action, fields } = formsOf(asked)[0]!
    const cookie = [...browser.cookies].map(([name, { value }]) => `${name.split(' ')[0]}=${value}`).join('; ')
    const body = new URLSearchParams({ ...fields, email: person.email, password: person.password })
    const answer = await fetch(action, { method: 'POST', body, headers: { cookie }, redirect: 'manual' })
    expect(answer.status).toBe(303)
    expect((await signInTo(browser, await browser.visit(app.link()))).status).toBe(303)
  })

  test('allows nothing by a form that was not shown', async () => {
    const app = await createApplication(server)
    const browser = openBrowserOn(server)
    const signin = await browser.visit(app.link())
    const { csrf } = formsOf(signin)[0]!.fields
    for (const user of ['', person.id]) {
      const body = new URLSearchParams({ csrf: csrf!, user })
      const page = await browser.visit(signin.url.replace(/$/, '/allow'), { method: 'POST', body })
      expect(isSignIn(page)).toBe(true)
    }
  })

  test('expires', async () => {
    const browser = openBrowserOn(server)
    const asked = await browser.visit(application.link())
    await server
      .knex('engine_models')
      .where({ model: 'Interaction' })
      .update({ expires_at: server.knex.raw("now() - interval '1 second'") })
    expectOver(await signInTo(browser, asked))
    expectOver(await browser.visit(asked.url))
  })

  test('of an application that was archived meanwhile has expired', async () => {
    const app = await createApplication(server)
    const browser = openBrowserOn(server)
    const asked = await signInTo(browser, await browser.visit(app.link()))
    await server.knex('clients').where({ client_id: app.clientId }).update({ status: 'archived' })
    const next = await browser.submit(asked, /allow$/)
    expect(answerOf(next.left).code).toBeUndefined()
    expect(next.status).toBeLessThan(500)
  })

  test('without cookies shows a page that says so', async () => {
    const browser = openBrowserOn(server)
    const asked = await browser.visit(application.link())
    browser.cookies.clear()
    const page = await signInTo(browser, asked)
    expectPage(page, 403)
    expect(page.text).toContain('cookie')
  })

  test('refuses a form of another site', async () => {
    const browser = openBrowserOn(server)
    const asked = await browser.visit(application.link())
    const { action, fields } = formsOf(asked)[0]!
    const body = new URLSearchParams({ ...fields, email: person.email, password: person.password })
    const hostile: Record<string, string>[] = [
      { origin: 'https://evil.example.com' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of hostile) expectPage(await browser.visit(action, { method: 'POST', body, headers }), 403)
    const noToken = new URLSearchParams({ email: person.email, password: person.password })
    expectPage(await browser.visit(action, { method: 'POST', body: noToken }), 403)
  })
})

test('no parameter redirects a user to another site', async () => {
  for (const to of ['https://evil.example.com', '//evil.example.com', '/\\evil.example.com', '/%09/evil.example.com']) {
    const browser = openBrowserOn(server)
    const page = await browser.visit(`/signin?return_to=${encodeURIComponent(to)}`)
    expect((await signInTo(browser, page)).left).toBeUndefined()
  }
  const { headers } = await send(`${server.url}//evil.example.com/oauth2/authorize/`, { redirect: 'manual' })
  expect(headers.get('location')).toBeNull()
})
