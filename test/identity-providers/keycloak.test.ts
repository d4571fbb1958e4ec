/** Sign-in through Keycloak, with the realm of examples/keycloak. The tests build on each other: Keycloak is stopped last. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findMaven } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { openDirectory, removeDirectory } from '../support/program.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { type Keycloak, LONG, startKeycloak } from './keycloak.ts'
import { ALLOW, select } from './upstream-environment.ts'

const maven = await findMaven()

const SECRET = 'a secret for development'

/** Milliseconds: more than the minute that passes at least between two reads of the keys of a provider. */
const OVER_A_MINUTE = 70_000

const isSignedIn = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === '/account/security'

const errorOn = ({ text }: Page): string => /role="alert">([^<]*)</.exec(text)?.[1] ?? ''

describe.skipIf(!maven)('Keycloak', () => {
  let server: Keywright
  let directory: string
  let keycloak: Keycloak
  let management: ReturnType<typeof rawManagement>
  let acme: { id: string; backchannel_logout_uri: string }

  beforeAll(async () => {
    server = await startKeywright({ env: ALLOW })
    await server.knex('accounts').where({ id: server.firstStart.accountId }).update({ external_id: 'acme' })
    management = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
    directory = await openDirectory()
    keycloak = await startKeycloak(maven!, directory, server)
  }, LONG)
  afterEach(() => {
    vi.useRealTimers()
  })
  afterAll(async () => {
    await keycloak?.stop()
    if (directory) await removeDirectory(directory)
    await server?.stop()
  })

  const create = async (values: object = {}) =>
    await management.json('POST', '/identity-providers', {
      name: 'Acme',
      issuer: keycloak.issuer,
      client_id: 'keywright',
      client_secret: SECRET,
      ...values,
    })

  /** Signs in at Keycloak; returns where it sends the browser. A password is asked for unless Keycloak has a session. */
  async function authenticate(left: URL, username: string, at: Browser): Promise<URL> {
    const page = await at.visit(left.href)
    return (page.left ??
      (await at.submit(page, /\/login-actions\/authenticate/, { username, password: username })).left)!
  }

  async function signInAs(username: string, providerId = acme.id) {
    const [browser, at] = [openBrowser(server.url), openBrowser(keycloak.url)]
    const response = await authenticate(await select(browser, providerId), username, at)
    return { browser, at, page: await browser.visit(response.href) }
  }

  const userWith = (email: string) => server.knex('users').where({ email_key: email }).first()

  test('is added by the management API, which reads its metadata', async () => {
    const wrong = await create({ issuer: `${keycloak.url}/realms/other` })
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('issuer')])
    const roles = { role_claim: 'groups', role_values: ['engineers=developer'] }
    const created = await create({
      creates_users: true,
      account_claim: 'customer',
      sign_out_at_provider: true,
      ...roles,
    })
    expect([created.status, created.text]).toEqual([201, expect.stringContaining(keycloak.issuer)])
    acme = created.body as typeof acme
  })

  test('signs in somebody new, in the account and role that claims name, and later the same user', async () => {
    expect(isSignedIn((await signInAs('grace')).page)).toBe(true)
    const user = await userWith('grace@example.com')
    expect(user).toMatchObject({ name: 'Grace Hopper', account_id: server.firstStart.accountId, email_verified: true })
    expect(await server.knex('memberships').where({ user_id: user.id })).toMatchObject([{ role: 'developer' }])
    expect(isSignedIn((await signInAs('grace')).page)).toBe(true)
    expect(await server.knex('user_identities').where({ provider_id: acme.id })).toMatchObject([{ user_id: user.id }])
  })

  test('signs in a user who has the same verified address', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    await server.knex('users').where({ id: person.id }).update({ email_verified: true })
    await keycloak.addUser('ada', person.email, true)
    expect(isSignedIn((await signInAs('ada')).page)).toBe(true)
    expect(await server.knex('user_identities').where({ user_id: person.id })).toHaveLength(1)
  })

  test('signs in nobody whose address it has not verified', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    await server.knex('users').where({ id: person.id }).update({ email_verified: true })
    await keycloak.addUser('mallory', person.email, false)
    expect(errorOn((await signInAs('mallory')).page)).toContain('have not used Acme here yet')
    expect(await server.knex('user_identities').where({ user_id: person.id })).toEqual([])
  })

  test('asks again when a recent sign-in is needed, although it has a session', async () => {
    const { browser, at } = await signInAs('grace')
    const left = await select(browser, acme.id, '/signin/confirm?return_to=/account/security')
    const asked = await at.visit(left.href)
    expect(asked.left).toBeUndefined()
    const back = (await at.submit(asked, /\/login-actions\/authenticate/, { username: 'grace', password: 'grace' }))
      .left!
    expect(isSignedIn(await browser.visit(back.href))).toBe(true)
  })

  test('ends the sessions of a user who is signed out there', async () => {
    await keycloak.setLogoutUri(acme.backchannel_logout_uri)
    const { browser } = await signInAs('grace')
    expect(isSignedIn(await browser.visit('/account/security'))).toBe(true)
    await keycloak.signOut('grace')
    await until(async () => !isSignedIn(await browser.visit('/account/security')))
  })

  test('ends its session when its user signs out here, and leads back', async () => {
    const { browser, at } = await signInAs('grace')
    const page = await browser.submit(await browser.visit('/account/security'), /\/signout$/)
    const onward = page.headers.get('refresh')!.replace('0; url=', '')
    const { left } = await at.visit(onward)
    expect(left!.pathname).toBe(`/signout/callback/${acme.id}`)
    expect((await browser.visit(left!.href)).text).toContain('You have been signed out')
    const again = await at.visit((await select(browser, acme.id)).href)
    expect([again.left, again.text]).toEqual([undefined, expect.stringContaining('name="password"')])
  })

  test('signs in with a new key after it rotated its keys', async () => {
    await keycloak.rotateKeys()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + OVER_A_MINUTE })
    expect(isSignedIn((await signInAs('grace')).page)).toBe(true)
  })

  test('signs in nobody with a wrong client secret; the reason is in the log', async () => {
    const { id } = (await create({ name: 'Wrong', client_secret: 'wrong' })).body as typeof acme
    const { page } = await signInAs('grace', id)
    expect([isSignedIn(page), errorOn(page)]).toEqual([false, expect.stringContaining('Wrong')])
    expect(JSON.stringify(server.logLines())).toContain('unauthorized_client')
  })

  test('that is stopped leaves the sign-in with a password', async () => {
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    const browser = openBrowser(server.url)
    const response = await authenticate(await select(browser, acme.id), 'grace', openBrowser(keycloak.url))
    await keycloak.stop()
    const page = await browser.visit(response.href)
    expect(errorOn(page)).toContain('Acme does not respond')
    const { email, password } = person
    expect(isSignedIn(await browser.submit(page, /\/signin$/, { email, password }))).toBe(true)
  })
})
