/** Sign-outs that go on to the provider (OpenID Connect RP-Initiated Logout 1.0). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { updateIdentityProvider } from '../../src/management/identity-provider-operations.ts'
import { operator } from '../management/principals.ts'
import { createApplication } from '../oidc/application-fixtures.ts'
import { claimsOf } from '../support/requests.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { wordsOf } from '../web/console/console-visits.ts'
import { json, startScriptedProvider } from './scripted-provider.ts'
import { addProvider, openUpstream, signInThrough } from './upstream-environment.ts'

const SECURITY = '/account/security'
const BYE = 'https://app.example.com/bye?from=here'

let upstream: Awaited<ReturnType<typeof openUpstream>>
let person: Person

beforeAll(async () => {
  upstream = await openUpstream()
  person = await createTestUser(knex(), upstream.server.firstStart.accountId)
  await knex()('users').where({ id: person.id }).update({ email_verified: true })
})
afterAll(() => upstream.stop())
afterEach(async () => {
  upstream.provider.script({})
  await knex()('identity_providers').delete()
})

const knex = () => upstream.server.knex
const management = () => ({ knex: knex(), encryptionKeys: upstream.server.instance.encryptionKeys })

const claims = () => ({ sub: person.id, email: person.email, email_verified: true })

const isSignedIn = async (browser: Browser): Promise<boolean> => {
  const { url, status } = await browser.visit(SECURITY)
  return status === 200 && new URL(url).pathname === SECURITY
}

/** Where a page leads by itself. Undefined: it stays. */
function onwardFrom({ headers, text }: Page): URL | undefined {
  const refresh = headers.get('refresh')
  if (!refresh) return undefined
  const url = new URL(/^0; url=(.*)$/.exec(refresh)![1]!)
  expect(text).toContain(`href="${url.href.replaceAll('&', '&amp;')}"`)
  return url
}

const enter = async (providerId: string, stated: object = {}) =>
  (await signInThrough(upstream, providerId, { ...claims(), ...stated })).browser

const signOut = async (browser: Browser): Promise<Page> =>
  await browser.submit(await browser.visit(SECURITY), /\/signout$/)

/** The path and query at which a provider sends a browser back. */
const wayBack = (at: URL, change: Record<string, string> = {}): string => {
  const back = new URL(at.searchParams.get('post_logout_redirect_uri')!)
  back.searchParams.set('state', at.searchParams.get('state')!)
  for (const [name, value] of Object.entries(change)) back.searchParams.set(name, value)
  return back.pathname + back.search
}

describe('a sign-out in the console', () => {
  test('ends the session here, then leads to the provider with the ID token, and back', async () => {
    const id = await upstream.add({ signOutAtProvider: true })
    const browser = await enter(id)
    const page = await signOut(browser)
    expect(await isSignedIn(browser)).toBe(false)
    expect(wordsOf(page)).toContain('being signed out of Acme too')
    const at = onwardFrom(page)!
    expect(at.href).toMatch(new RegExp(`^${upstream.provider.issuer}/logout`))
    expect(at.searchParams.get('client_id')).toBe('keywright')
    expect(claimsOf(at.searchParams.get('id_token_hint')!)).toMatchObject({ sub: person.id, aud: 'keywright' })
    expect(at.searchParams.get('post_logout_redirect_uri')).toBe(`${upstream.server.url}/signout/callback/${id}`)
    const home = await browser.visit(wayBack(at))
    expect(wordsOf(home)).toContain('You have been signed out')
  })

  test('keeps the ID token sealed only', async () => {
    const browser = await enter(await upstream.add({ signOutAtProvider: true }))
    const hint = onwardFrom(await signOut(browser))!.searchParams.get('id_token_hint')!
    await enter(await upstream.add({ signOutAtProvider: true, name: 'Again' }))
    const [, payload] = hint.split('.')
    const { rows } = await knex().raw(
      "SELECT encode(payload, 'escape') AS text FROM engine_models WHERE payload IS NOT NULL",
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const { text } of rows) expect(text).not.toContain(payload!.slice(0, 20))
    expect(JSON.stringify(upstream.server.logLines())).not.toContain(hint)
  })

  test('initially stays here, also in sessions of before, and when it is switched off again', async () => {
    const id = await upstream.add()
    const browser = await enter(id)
    const change = (on: boolean) =>
      updateIdentityProvider(management(), operator, { providerId: id, signOutAtProvider: on })
    await change(true)
    expect(onwardFrom(await signOut(browser))).toBeUndefined()
    const other = await enter(id)
    await change(false)
    const page = await signOut(other)
    expect([onwardFrom(page), wordsOf(page)]).toEqual([undefined, expect.stringContaining('You have been signed out')])
  })

  test.each([
    ['does not respond', (response: Parameters<typeof json>[0]) => json(response, {}, 503)],
    [
      'has no end_session_endpoint',
      (response: Parameters<typeof json>[0], metadata: object) =>
        json(response, { ...metadata, end_session_endpoint: undefined }),
    ],
  ])('is done when the provider %s', async (_, discovery) => {
    const id = await upstream.add({ signOutAtProvider: true })
    const browser = await enter(id)
    // Another revision: the metadata that is known is not used.
    await updateIdentityProvider(management(), operator, { providerId: id, name: 'Renamed' })
    upstream.provider.script({ discovery })
    const page = await signOut(browser)
    expect([onwardFrom(page), wordsOf(page)]).toEqual([undefined, expect.stringContaining('You have been signed out')])
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('is done, and stays here, when the identity is removed, or the ID token is long', async () => {
    const id = await upstream.add({ signOutAtProvider: true })
    const browser = await enter(id, { padding: 'x'.repeat(5000) })
    expect(onwardFrom(await signOut(browser))).toBeUndefined()
    const other = await enter(id)
    const page = await other.visit(SECURITY)
    await knex()('user_identities').delete()
    expect(onwardFrom(await other.submit(page, /\/signout$/))).toBeUndefined()
  })
})

describe('a sign-out that an application asks for', () => {
  async function asked(more: object = {}) {
    const id = await upstream.add({ signOutAtProvider: true })
    const settings = { consent: 'skip' as const, postLogoutRedirectUris: [BYE] }
    const application = await createApplication(upstream.server, settings)
    const browser = openBrowser(upstream.server.url)
    const left = (await browser.submit(await browser.visit(application.link()), /\/provider$/, { provider: id })).left!
    const back = await browser.visit(upstream.provider.authorize(left, claims()).href)
    const { body } = await application.redeem(back.left!.searchParams.get('code')!)
    const parameters = { id_token_hint: body.id_token, post_logout_redirect_uri: BYE, state: 'bye', ...more }
    return { id, browser, page: await browser.visit(`/oauth2/logout?${new URLSearchParams(parameters)}`) }
  }

  test('leads to the provider, and from there to the application', async () => {
    const { browser, page } = await asked()
    const at = onwardFrom(await browser.submit(page, /\/logout\/confirm$/, { logout: 'yes' }))!
    expect(at.href).toMatch(new RegExp(`^${upstream.provider.issuer}/logout`))
    expect(await isSignedIn(browser)).toBe(false)
    expect((await browser.visit(wayBack(at))).left!.href).toBe(`${BYE}&state=bye`)
  })

  test('goes to the application when the user stays signed in, or the provider cannot be reached', async () => {
    const { browser, page, id } = await asked()
    const stayed = await browser.submit(page, /\/logout\/confirm$/, {})
    expect([stayed.left!.href, await isSignedIn(browser)]).toEqual([`${BYE}&state=bye`, true])
    const second = await asked()
    await updateIdentityProvider(management(), operator, { providerId: second.id, name: 'Renamed' })
    upstream.provider.script({ discovery: (response) => json(response, {}, 503) })
    const done = await second.browser.submit(second.page, /\/logout\/confirm$/, { logout: 'yes' })
    expect([done.left!.href, await isSignedIn(second.browser)]).toEqual([`${BYE}&state=bye`, false])
    expect(id).not.toBe(second.id)
  })

  test('shows that it is done where the application named no address', async () => {
    const { browser, page } = await asked({ post_logout_redirect_uri: '', state: '' })
    const at = onwardFrom(await browser.submit(page, /\/logout\/confirm$/, { logout: 'yes' }))!
    expect(wordsOf(await browser.visit(wayBack(at)))).toContain('You have been signed out')
  })

  test('leads nowhere else: not with the state of another browser or provider, and not without one', async () => {
    const { browser, page } = await asked()
    const at = onwardFrom(await browser.submit(page, /\/logout\/confirm$/, { logout: 'yes' }))!
    const other = await startScriptedProvider()
    const otherId = await addProvider(upstream.server, other)
    const elsewhere = wayBack(at).replace(/callback\/[\w-]+/, `callback/${otherId}`)
    for (const [who, path] of [
      [openBrowser(upstream.server.url), wayBack(at)],
      [browser, elsewhere],
      [browser, wayBack(at, { state: 'https://evil.example.com' })],
      [browser, '/signout/callback/x?state=https://evil.example.com'],
    ] as const) {
      const home = await who.visit(path)
      expect([home.left, new URL(home.url).pathname]).toEqual([undefined, '/'])
    }
    other.stop()
  })
})
