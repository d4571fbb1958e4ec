/** Seed 001, its main way: a third-party application signs a person in, asks, and keeps access by refresh tokens. */
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { metricOf } from '../support/requests.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const CALLBACK = 'https://app.example.com/callback'
const DONE = 'https://app.example.com/bye'

let server: Keywright
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(() => server.stop())

async function discover(registered: { clientId: string; clientSecret?: string }) {
  const execute = [client.allowInsecureRequests]
  return await client.discovery(new URL(server.issuer), registered.clientId, registered.clientSecret, undefined, {
    execute,
  })
}

const register = (settings: object = {}) =>
  server.make.client({
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [CALLBACK],
    postLogoutRedirectUris: [DONE],
    ...settings,
  })

/** Sends somebody through sign-in and the allow/deny page; answers where they came back to. */
async function comeBack(browser: Browser, url: URL): Promise<URL> {
  const asked = await browser.visit(url.href)
  const consent = await signIn(browser, asked, person.email, person.password)
  return (await browser.submit(consent, /allow$/)).left!
}

test('openid-client, as it is, runs code and PKCE, refresh, userinfo, revocation and logout', async () => {
  const config = await discover(await register())
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid profile email offline_access all',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const browser = openBrowser(server.url)
  const callback = await comeBack(browser, url)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, callback, checks)
  expect(tokens.claims()).toMatchObject({ sub: person.id, amr: ['pwd'] })
  expect(tokens.scope?.split(' ').sort()).toEqual(['all', 'email', 'offline_access', 'openid', 'profile'])
  expect(tokens.refresh_token_expires_in).toBe(2_592_000)

  const about = await client.fetchUserInfo(config, tokens.access_token, person.id)
  expect(about).toMatchObject({ sub: person.id, email: person.email, name: person.name })

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!)
  expect(refreshed.claims()?.sub).toBe(person.id)
  expect((await server.introspect(refreshed.access_token, server.firstStart.api)).body).toMatchObject({
    active: true,
    sub: person.id,
  })

  await client.tokenRevocation(config, refreshed.refresh_token!)
  await expect(client.refreshTokenGrant(config, refreshed.refresh_token!)).rejects.toThrow()
  expect((await server.introspect(refreshed.access_token, server.firstStart.api)).body.active).toBe(false)

  const end = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token!, post_logout_redirect_uri: DONE })
  const asked = await browser.visit(end.href)
  const left = (await browser.submit(asked, /confirm$/, { logout: 'yes' })).left
  expect(left?.href).toBe(DONE)
})

test('an operator sees in the metrics how sign-ins end', async () => {
  const counted = (outcome: string) => metricOf(server.url, 'keywright_sign_ins_total', `outcome="${outcome}"`)
  const before = await counted('refused')
  const browser = openBrowser(server.url)
  const page = await browser.visit('/signin')
  expect((await signIn(browser, page, person.email, 'not this one at all')).status).toBe(400)
  expect(await counted('refused')).toBe(before + 1)
})
