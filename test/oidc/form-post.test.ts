/** Answers by a form on a page of ours: the plan oidcc-form-post-basic. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Answer } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  CALLBACK,
  createApplication,
  expectNoFieldErrors,
  getTokens,
  isForward,
  type Params,
  STATE,
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

/** A browser in which somebody is signed in and has allowed the application. */
async function signedIn(who = person, params: Params = {}): Promise<{ browser: Browser; tokens: Answer['body'] }> {
  const browser = openBrowser(server.url)
  return { browser, tokens: await getTokens(server, application, who, { browser, params }) }
}

describe('oidcc-form-post-basic', () => {
  test('the response is a form on a page of this server that works without scripts', async () => {
    const { browser } = await signedIn()
    const page = await browser.visit(application.link({ response_mode: 'form_post' }))
    expect(page.status).toBe(200)
    expect(isForward(page)).toBe(true)
    const [form] = formsOf(page)
    expect(form).toMatchObject({ action: CALLBACK, method: 'POST' })
    expect(form!.fields).toEqual({ code: expect.any(String), state: STATE, iss: server.issuer })
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)/)
    expect(page.text).toContain('<button')
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe-inline')
    expect(policy).toContain(new URL(CALLBACK).origin)
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect((await application.redeem(form!.fields.code!)).status).toBe(200)
  })

  test('hostile values stay text', async () => {
    const { browser } = await signedIn()
    const state = `"><script>alert('1')</script>&amp;\n`
    const page = await browser.visit(application.link({ response_mode: 'form_post', state }))
    expect(page.text).not.toContain('<script>alert')
    expect(formsOf(page)[0]!.fields.state).toBe(state)
  })

  test('errors use the same form, and an unregistered redirect URI gets none', async () => {
    const browser = openBrowser(server.url)
    const refused = await browser.visit(application.link({ response_mode: 'form_post', prompt: 'none' }))
    expect(formsOf(refused)[0]).toMatchObject({
      action: CALLBACK,
      fields: { error: 'login_required', state: STATE, iss: server.issuer },
    })
    const redirect_uri = 'https://evil.example.com/'
    const evil = await browser.visit(application.link({ response_mode: 'form_post', prompt: 'none', redirect_uri }))
    expect([evil.status, formsOf(evil)]).toEqual([400, []])
  })

  test('query and fragment are as they say', async () => {
    const { browser } = await signedIn()
    const query = (await browser.visit(application.link({ response_mode: 'query' }))).left!
    expect([query.searchParams.has('code'), query.hash]).toEqual([true, ''])
    const fragment = (await browser.visit(application.link({ response_mode: 'fragment' }))).left!
    expect([fragment.search, new URLSearchParams(fragment.hash.slice(1)).has('code')]).toEqual(['', true])
  })
})
