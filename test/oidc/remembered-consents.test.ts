/** What people allow is asked once, remembered until they withdraw it, and asked again for more. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { listConnectedApplications } from '../../src/consents/connected-applications.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'
import type { Browser, Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  getTokens,
  inShort,
  isAllow,
  openBrowserOn,
  type Params,
} from './application-fixtures.ts'

let server: Keywright
let api: Awaited<ReturnType<Keywright['make']['api']>>
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api({ scopes: ['read', 'write'] })
})

beforeAll(async () => {
  person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const register = (settings: object = {}) => createApplication(server, settings, { apis: [api.identifier] })

/** A browser in which somebody is signed in and has allowed nothing. */
async function signedIn(who = person): Promise<Browser> {
  const browser = openBrowserOn(server)
  const { email, password } = who
  await browser.submit(await browser.visit('/signin'), /signin$/, { email, password })
  return browser
}

const allow = (browser: Browser, page: Page): Promise<Page> => browser.submit(page, /allow$/)
const hasCode = (page: Page): boolean => answerOf(page.left).code !== undefined
const permissionsOf = ({ text }: Page): string =>
  text.slice(text.indexOf('permissions-lead'), text.indexOf('class="choice-buttons"'))

describe('the page', () => {
  test('is shown once, and not again for the same or for less', async () => {
    const app = await register()
    const browser = await signedIn()
    const params = { scope: 'openid email read' }
    expect(hasCode(await allow(browser, await browser.visit(app.link(params))))).toBe(true)
    for (const scope of ['openid email read', 'openid', 'read', 'email read']) {
      expect(hasCode(await browser.visit(app.link({ scope })))).toBe(true)
    }
    // In another browser too: it is the person who allowed it.
    expect(hasCode(await (await signedIn()).visit(app.link(params)))).toBe(true)
  })

  test('is shown again for more, with only what is new', async () => {
    const app = await register()
    const browser = await signedIn()
    await allow(browser, await browser.visit(app.link({ scope: 'openid email read' })))
    const asked = await browser.visit(app.link({ scope: 'openid email profile read write' }))
    expect(isAllow(asked)).toBe(true)
    expect(permissionsOf(asked)).toMatch(/your name/)
    expect(permissionsOf(asked)).toContain('write')
    expect(permissionsOf(asked)).not.toMatch(/email address|>read</)
    const tokens = await getTokens(server, app, person, {
      browser,
      params: { scope: 'openid email profile read write' },
    })
    expect(tokens.scope.split(' ').sort()).toEqual(['email', 'openid', 'profile', 'read', 'write'])
  })

  test('allows nothing on deny, and keeps earlier consents', async () => {
    const app = await register()
    const browser = await signedIn()
    await allow(browser, await browser.visit(app.link({ scope: 'openid' })))
    const denied = await browser.submit(await browser.visit(app.link({ scope: 'openid write' })), /deny$/)
    expect(answerOf(denied.left).error).toBe('access_denied')
    expect(hasCode(await browser.visit(app.link({ scope: 'openid' })))).toBe(true)
    expect(isAllow(await browser.visit(app.link({ scope: 'openid write' })))).toBe(true)
  })

  test('with prompt=consent shows all requested scopes that exist', async () => {
    const app = await register()
    const browser = await signedIn()
    const params: Params = { scope: 'openid email read nonsense', prompt: 'consent' }
    await allow(browser, await browser.visit(app.link(params)))
    const asked = await browser.visit(app.link(params))
    expect(permissionsOf(asked)).toMatch(/email address/)
    expect(permissionsOf(asked)).toContain('read')
    expect(asked.text).not.toContain('nonsense')
    expect(hasCode(await allow(browser, asked))).toBe(true)
    const [connection] = (await listConnectedApplications(server.knex, person.id)).filter(
      ({ clientId }) => clientId === app.clientId,
    )
    expect(connection!.apis).toEqual([{ identifier: api.identifier, scopes: ['read'] }])
  })

  test('the consent of one user to one application applies to no other', async () => {
    const [app, other] = [await register(), await register()]
    const browser = await signedIn()
    await allow(browser, await browser.visit(app.link()))
    expect(isAllow(await browser.visit(other.link()))).toBe(true)
    const somebody = await createTestUser(server.knex, server.firstStart.accountId)
    expect(isAllow(await (await signedIn(somebody)).visit(app.link()))).toBe(true)
  })

  test('asks for offline access although the application omitted prompt=consent', async () => {
    const app = await register()
    const browser = await signedIn()
    await allow(browser, await browser.visit(app.link({ scope: 'openid read' })))
    const asked = await browser.visit(app.link({ scope: 'openid read offline_access' }))
    expect(permissionsOf(asked)).toContain('Keep access while you are signed out')
    expect(hasCode(await allow(browser, asked))).toBe(true)
  })

  test('shows the application, its account and the host, as text', async () => {
    const name = 'Evil <b>&"app"'
    const app = await register({ name })
    const asked = await (await signedIn()).visit(app.link())
    expect(asked.text).not.toContain('<b>&')
    expect(asked.text).toContain('Evil &lt;b&gt;&amp;&quot;app&quot;')
    expect(asked.text).toContain('app.example.com')
    expect(asked.text).toContain(person.email)
    expect(asked.headers.get('content-security-policy')).toMatch(/frame-ancestors 'none'/)
    expect(asked.headers.get('x-frame-options')).toBe('DENY')
  })
})

describe('the consent page is skipped', () => {
  test('for every user, where the operator configures it', async () => {
    const app = await register({ consent: 'skip' })
    const foreign = await createTestUser(server.knex, (await createAccount(server.knex, { name: 'Foreign' })).id)
    for (const who of [person, foreign]) {
      const browser = await signedIn(who)
      for (const params of [{}, { prompt: 'consent' }, { scope: 'openid read offline_access' }]) {
        expect(inShort(await browser.visit(app.link(params)))).toContain('code=')
      }
    }
  })

  test('for users of the application’s own account, where its admin configures it, and for nobody else', async () => {
    const app = await register({ consent: 'skip_own_account' })
    expect(hasCode(await (await signedIn()).visit(app.link()))).toBe(true)
    const foreign = await createTestUser(server.knex, (await createAccount(server.knex, { name: 'Elsewhere' })).id)
    const asked = await (await signedIn(foreign)).visit(app.link())
    expect(isAllow(asked)).toBe(true)
  })

  test('for a public native application only after a sign-in', async () => {
    const app = await register({ consent: 'skip', isPublic: true, redirectUris: ['http://127.0.0.1/callback'] })
    const browser = openBrowserOn(server)
    const { email, password } = person
    const justNow = await browser.submit(await browser.visit(app.link()), /sign-in$/, { email, password })
    expect(hasCode(justNow)).toBe(true)
    expect(isAllow(await browser.visit(app.link()))).toBe(true)
    const withSecret = await register({ consent: 'skip', redirectUris: ['http://127.0.0.1/callback'] })
    expect(hasCode(await browser.visit(withSecret.link()))).toBe(true)
  })

  test('never for a public native application that is configured to show it', async () => {
    const app = await register({ isPublic: true, redirectUris: ['com.example.app:/callback'] })
    const browser = await signedIn()
    for (let n = 0; n < 2; n++) {
      const asked = await browser.visit(app.link({ scope: 'openid read' }))
      expect(isAllow(asked)).toBe(true)
      if (n > 0) expect(permissionsOf(asked)).toContain('read')
      expect(hasCode(await allow(browser, asked))).toBe(true)
    }
  })
})

describe('withdrawal', () => {
  test('on the page of connected applications revokes access and refresh tokens, and the page is shown again', async () => {
    const app = await register()
    const browser = await signedIn()
    const params = { scope: 'openid offline_access read' }
    const tokens = await getTokens(server, app, person, { browser, params })
    const other = await getTokens(server, await register(), person, { browser, params })
    const page = await browser.visit(`/account/applications/${app.clientId}/withdraw`)
    const after = await browser.submit(page, /withdraw$/)
    expect(after.status).toBe(200)
    expect((await server.introspect(tokens.access_token, api)).body).toEqual({ active: false })
    expect((await app.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect((await send(`${server.url}/oauth2/userinfo`, { headers })).status).toBe(401)
    expect((await server.introspect(other.access_token, api)).body.active).toBe(true)
    expect(isAllow(await browser.visit(app.link(params)))).toBe(true)
    expect(answerOf((await browser.visit(app.link({ prompt: 'none' }))).left).error).toBe('consent_required')
  })

  test('by another user is refused, and a second withdrawal succeeds', async () => {
    const app = await register()
    const browser = await signedIn()
    await allow(browser, await browser.visit(app.link()))
    const somebody = await signedIn(await createTestUser(server.knex, server.firstStart.accountId))
    expectPage(await somebody.visit(`/account/applications/${app.clientId}/withdraw`), 404)
    const page = await browser.visit(`/account/applications/${app.clientId}/withdraw`)
    expect((await browser.submit(page, /withdraw$/)).status).toBe(200)
    expect((await browser.submit(page, /withdraw$/)).status).toBe(200)
    expect(isAllow(await browser.visit(app.link()))).toBe(true)
  })
})

test('a consent covers what was shown, although the application changed its request meanwhile', async () => {
  const app: Application = await register()
  const browser = await signedIn()
  const asked = await browser.visit(app.link({ scope: 'openid' }))
  const done = await browser.submit(asked, /allow$/, { scope: 'openid write', apis: 'write' })
  expect((await app.redeem(answerOf(done.left).code!)).body.scope).toBe('openid')
})
