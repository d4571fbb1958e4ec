/** A single-page application with oidc-client-ts, in real Chromium and from another origin than the server's. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, type RealBrowser } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const chromium = await findChromium()

/** The package exports its modules only, and not what a page loads. */
const LIBRARY = new URL('../../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url)

const SCOPE = 'openid profile email offline_access all'

let server: Keywright
let browser: RealBrowser
let person: Person
let site: Server
let origin: string
let clientId: string

/** What the application's pages do: they all hold the library and a manager of its settings. */
const script = () => `
  window.manager = new oidc.UserManager({
    authority: ${JSON.stringify(server.issuer)},
    client_id: ${JSON.stringify(clientId)},
    redirect_uri: location.origin + '/callback',
    post_logout_redirect_uri: location.origin + '/bye?/signed-out',
    scope: ${JSON.stringify(SCOPE)},
    loadUserInfo: true,
    automaticSilentRenew: false,
    userStore: new oidc.WebStorageStateStore({ store: localStorage }),
  })`

const library = (): string => readFileSync(LIBRARY, 'utf8')

async function startSite(): Promise<void> {
  site = createServer((req, res) => {
    const file = { '/library.js': library, '/application.js': script }[req.url!]
    res.setHeader('content-type', file ? 'text/javascript' : 'text/html')
    res.end(file?.() ?? '<title>App</title><script src="/library.js"></script><script src="/application.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
}

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  await startSite()
  const client = await server.make.client({
    grants: ['authorization_code', 'refresh_token'],
    isPublic: true,
    redirectUris: [`${origin}/callback`],
    postLogoutRedirectUris: [`${origin}/bye?/signed-out`],
  })
  clientId = client.clientId
  browser = await launchBrowser(chromium)
})

afterAll(async () => {
  await browser?.close()
  site?.closeAllConnections()
  site?.close()
  await server?.stop()
})

interface User {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
  readonly profile: Record<string, unknown>
}

/** What a call of the manager answers; what it rejects with fails the test. */
const call = <Result>(page: Page, expression: string): Promise<Result> => page.evaluate(`manager.${expression}`)

const isActive = async (token: string): Promise<boolean> =>
  (await server.introspect(token, server.firstStart.api)).body.active

async function signIn(page: Page): Promise<User> {
  await page.goto(origin)
  await call(page, 'signinRedirect()').catch(ignoreNavigation)
  await page.getByLabel('Email').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(`${origin}/callback?*`)
  return await call<User>(page, 'signinRedirectCallback()')
}

/** The page that asked goes away before it gets an answer. */
function ignoreNavigation(error: Error): void {
  if (!/navigation|context was destroyed|closed/i.test(error.message)) throw error
}

describe.skipIf(!chromium)('oidc-client-ts from another origin', () => {
  test('signs in, reads userinfo, refreshes, revokes both tokens and signs out', async () => {
    const page = await browser.open()
    expect(new URL(server.issuer).origin).not.toBe(origin)
    const first = await signIn(page)
    expect(first.profile).toMatchObject({ sub: person.id, email: person.email, name: person.name })

    const second = await call<User>(page, 'signinSilent()')
    expect(second.access_token).not.toBe(first.access_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(await isActive(second.access_token)).toBe(true)

    await call(page, "revokeTokens(['access_token', 'refresh_token'])")
    expect(await isActive(second.access_token)).toBe(false)
    const form = { grant_type: 'refresh_token', refresh_token: second.refresh_token, client_id: clientId }
    expect((await server.token(form)).body.error).toBe('invalid_grant')

    await call(page, `signoutRedirect({ state: 'x' })`).catch(ignoreNavigation)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${origin}/bye?/signed-out&*`)
    await call(page, 'signoutRedirectCallback()')
    await page.goto(`${server.url}/oauth2/logout`)
    await page.waitForURL(/success/)
  })

  test('an origin that is not the client’s may not read the token endpoint', async () => {
    const page = await browser.open()
    const other = createServer((_req, res) => res.end('other')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    // With the name of the redirect URI it would be the client's: an application on a loopback address may choose its port.
    await page.goto(`http://localhost:${(other.address() as AddressInfo).port}`)
    for (const path of ['/oauth2/token', '/oauth2/revoke']) {
      const body = new URLSearchParams({ client_id: clientId, token: 'x', grant_type: 'refresh_token' }).toString()
      const init = { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
      const read = page.evaluate(`fetch(${JSON.stringify(server.url + path)}, ${JSON.stringify(init)})`)
      await expect(read).rejects.toThrow(/Failed to fetch/)
    }
    other.closeAllConnections()
    other.close()
  })
})
