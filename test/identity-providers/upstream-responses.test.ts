/** Responses of a provider that misbehaves: mix-up, replay, wrong or missing claims, times and keys, and providers that are down. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { json, type Script, startScriptedProvider } from './scripted-provider.ts'
import { addProvider, openUpstream, select, signInThrough } from './upstream-environment.ts'

type Upstream = Awaited<ReturnType<typeof openUpstream>>

let upstream: Upstream
let acme: string
let person: Person
/** What the provider says of the person, who is linked at the first sign-in. */
let claims: { sub: string; email: string; email_verified: boolean }

beforeAll(async () => {
  upstream = await openUpstream()
  acme = await upstream.add()
  const { server } = upstream
  person = await createTestUser(server.knex, server.firstStart.accountId)
  await server.knex('users').where({ id: person.id }).update({ email_verified: true })
  claims = { sub: 'ada', email: person.email, email_verified: true }
})
afterAll(() => upstream.stop())
afterEach(() => upstream.provider.script({}))

const isSignedIn = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === '/account/security'

const errorOn = ({ text }: Page): string | undefined => /role="alert">([^<]*)</.exec(text)?.[1]

const NOT_VALID = /response of Acme is not valid/
const EXPIRED = /has expired or was started in another browser/

async function expectRefused(page: Page, message: RegExp): Promise<void> {
  expect(errorOn(page)).toMatch(message)
  expect(page.status).toBeGreaterThanOrEqual(400)
  expect(page.status).toBeLessThan(504)
  const sessions = await upstream.server.knex('engine_models').where({ model: 'Session', user_id: person.id })
  expect(sessions).toEqual(sessionsBefore)
}

let sessionsBefore: unknown[]

async function rememberSessions(): Promise<void> {
  sessionsBefore = await upstream.server.knex('engine_models').where({ model: 'Session', user_id: person.id })
}

/** Signs in while the provider does what the script says. */
async function signInScripted(script: Script): Promise<Page> {
  await rememberSessions()
  upstream.provider.script(script)
  return (await signInThrough(upstream, acme, claims)).page
}

test('a user whose address is verified on both sides signs in and is linked', async () => {
  expect(isSignedIn((await signInThrough(upstream, acme, claims)).page)).toBe(true)
  const identity = await upstream.server.knex('user_identities').where({ provider_id: acme }).first()
  expect(identity).toMatchObject({ subject: 'ada', user_id: person.id })
  // From now on the subject decides, whatever the address is.
  expect(isSignedIn((await signInThrough(upstream, acme, { sub: 'ada' })).page)).toBe(true)
})

const now = () => Math.floor(Date.now() / 1000)

const foreignKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

const INVALID: readonly [string, () => Script][] = [
  ['another issuer', () => ({ claims: { iss: 'https://other.example.com' } })],
  ['another audience', () => ({ claims: { aud: 'another client' } })],
  ['several audiences without azp', () => ({ claims: { aud: ['keywright', 'another client'] } })],
  ['azp of another client', () => ({ claims: { azp: 'another client' } })],
  ['another nonce', () => ({ claims: { nonce: 'another' } })],
  ['no nonce', () => ({ claims: { nonce: undefined } })],
  ['an expiry in the past', () => ({ claims: { exp: now() - 120 } })],
  ['no expiry', () => ({ claims: { exp: undefined } })],
  ['a time of issue in the future', () => ({ claims: { iat: now() + 600 } })],
  ['a time of authentication in the future', () => ({ claims: { auth_time: now() + 600 } })],
  ['a beginning in the future', () => ({ claims: { nbf: now() + 600 } })],
  ['no subject', () => ({ claims: { sub: undefined } })],
  ['an empty subject', () => ({ claims: { sub: '' } })],
  ['a subject with a NUL', () => ({ claims: { sub: 'a\u0000da' } })],
  ['a subject of 300 characters', () => ({ claims: { sub: 'a'.repeat(300) } })],
  ['the signature of another key', () => ({ signsWith: foreignKey })],
  ['the algorithm none', () => ({ header: { alg: 'none', kid: undefined } })],
  ['the algorithm HS256', () => ({ header: { alg: 'HS256', kid: undefined } })],
  ['an unknown key', () => ({ header: { kid: 'missing' } })],
]

describe('an ID token is refused that has', () => {
  test.each(INVALID)('%s', async (_, script) => {
    await expectRefused(await signInScripted(script()), NOT_VALID)
  })
})

test('clocks may differ by less than a minute', async () => {
  const page = await signInScripted({ claims: { iat: now() + 20, exp: now() - 20 } })
  expect(isSignedIn(page)).toBe(true)
})

test('a token response without an ID token is refused', async () => {
  const token: Script['token'] = (response) => json(response, { access_token: 'one', token_type: 'Bearer' })
  await expectRefused(await signInScripted({ token }), NOT_VALID)
})

describe('a provider whose keys change', () => {
  test('is asked for them again, and not for each unknown key', async () => {
    const other = await startScriptedProvider()
    const id = await addProvider(upstream.server, other, { name: 'Rotating' })
    const who = { sub: 'bob', email: person.email, email_verified: true }
    const through = { server: upstream.server, provider: other }
    expect(isSignedIn((await signInThrough(through, id, who)).page)).toBe(true)
    const jwksRequests = () => other.requests.filter((path) => path === '/jwks').length
    expect(jwksRequests()).toBe(1)
    other.script({ header: { kid: 'missing' } })
    for (let n = 0; n < 3; n++) await signInThrough(through, id, who)
    expect(jwksRequests()).toBe(1)
    other.stop()
  })

  test('has no keys: the sign-in is refused', async () => {
    const other = await startScriptedProvider()
    const id = await addProvider(upstream.server, other, { name: 'Acme' })
    other.script({ jwks: (response) => json(response, { keys: [] }) })
    await rememberSessions()
    const { page } = await signInThrough({ server: upstream.server, provider: other }, id, claims)
    await expectRefused(page, NOT_VALID)
    other.stop()
  })
})

describe('an authorization response is refused that', () => {
  const open = () => openBrowser(upstream.server.url)

  test('names another issuer (RFC 9207)', async () => {
    await rememberSessions()
    const browser = open()
    const left = await select(browser, acme)
    const response = upstream.provider.authorize(left, claims, { iss: 'https://other.example.com' })
    await expectRefused(await browser.visit(response.href), NOT_VALID)
  })

  test('names no issuer although the provider announces it', async () => {
    await rememberSessions()
    const browser = open()
    const response = upstream.provider.authorize(await select(browser, acme), claims, { iss: undefined })
    await expectRefused(await browser.visit(response.href), NOT_VALID)
  })

  test('has the state of another provider: a mix-up', async () => {
    const other = await startScriptedProvider()
    const id = await addProvider(upstream.server, other, { name: 'Other' })
    await rememberSessions()
    const browser = open()
    const left = await select(browser, id)
    // The other provider has relayed the request to Acme, whose code the browser now brings to Acme's address.
    left.searchParams.set('redirect_uri', new URL(`/signin/callback/${acme}`, upstream.server.url).href)
    await expectRefused(await browser.visit(upstream.provider.authorize(left, claims).href), EXPIRED)
    expect(other.requests).not.toContain('/token')
    other.stop()
  })

  test('was begun in another browser', async () => {
    await rememberSessions()
    const response = upstream.provider.authorize(await select(open(), acme), claims)
    await expectRefused(await open().visit(response.href), EXPIRED)
  })

  test('was used before', async () => {
    const browser = open()
    const left = await select(browser, acme)
    const response = upstream.provider.authorize(left, claims)
    expect(isSignedIn(await browser.visit(response.href))).toBe(true)
    await rememberSessions()
    await expectRefused(await browser.visit(response.href), NOT_VALID)
    // With a code of its own: the state alone was used.
    await expectRefused(await browser.visit(upstream.provider.authorize(left, claims).href), EXPIRED)
  })

  test('has no state, or one that was not issued here', async () => {
    await rememberSessions()
    for (const state of [undefined, '', 'made-up', 'a'.repeat(5000)]) {
      const browser = open()
      const response = upstream.provider.authorize(await select(browser, acme), claims, { state })
      await expectRefused(await browser.visit(response.href), EXPIRED)
    }
  })

  test('has a code that was not issued', async () => {
    await rememberSessions()
    const browser = open()
    const response = upstream.provider.authorize(await select(browser, acme), claims, { code: 'made-up' })
    await expectRefused(await browser.visit(response.href), NOT_VALID)
  })

  test('says that the user declined', async () => {
    await rememberSessions()
    const browser = open()
    const parameters = { code: undefined, error: 'access_denied' }
    const response = upstream.provider.authorize(await select(browser, acme), claims, parameters)
    await expectRefused(await browser.visit(response.href), /did not sign in with Acme/)
  })

  test('is for a provider that was disabled meanwhile, or is unknown', async () => {
    const id = await upstream.add({ name: 'Short' })
    const browser = open()
    const response = upstream.provider.authorize(await select(browser, id), claims)
    await upstream.server.knex('identity_providers').where({ id }).update({ status: 'disabled' })
    await rememberSessions()
    await expectRefused(await browser.visit(response.href), /not available any more/)
    await expectRefused(await browser.visit('/signin/callback/nothing?code=1&state=2'), EXPIRED)
  })
})

describe('a provider that', () => {
  const DOWN = /Acme does not respond/

  test('fails at its token endpoint is named, and another way to sign in is left', async () => {
    const page = await signInScripted({ token: (response) => json(response, { error: 'server_error' }, 500) })
    await expectRefused(page, DOWN)
    expect(page.status).toBe(503)
    expect(page.text).toContain('name="password"')
  })

  test('is down from the beginning leaves password sign-in as it is', async () => {
    const other = await startScriptedProvider()
    const id = await addProvider(upstream.server, other, { name: 'Acme' })
    other.stop()
    const browser = openBrowser(upstream.server.url)
    const failed = await browser.submit(await browser.visit('/signin?return_to=/account/security'), /\/provider$/, {
      provider: id,
    })
    expect(errorOn(failed)).toMatch(DOWN)
    const signedIn = await browser.submit(failed, /\/signin$/, { email: person.email, password: person.password })
    expect(isSignedIn(signedIn)).toBe(true)
  })

  test('has metadata of another issuer cannot be used', async () => {
    const other = await startScriptedProvider()
    other.script({
      discovery: (response, metadata) => json(response, { ...metadata, issuer: 'https://other.example.com' }),
    })
    const id = await addProvider(upstream.server, other, { name: 'Acme' })
    const browser = openBrowser(upstream.server.url)
    const failed = await browser.submit(await browser.visit('/signin'), /\/provider$/, { provider: id })
    expect(errorOn(failed)).toMatch(NOT_VALID)
    other.stop()
  })

  test('answers more than the limit cannot be used', async () => {
    const other = await startScriptedProvider()
    other.script({ discovery: (response) => json(response, { filler: 'x'.repeat(600_000) }) })
    const id = await addProvider(upstream.server, other, { name: 'Acme' })
    const browser = openBrowser(upstream.server.url)
    const failed = await browser.submit(await browser.visit('/signin'), /\/provider$/, { provider: id })
    expect(errorOn(failed)).toMatch(DOWN)
    other.stop()
  })
})
