/** Authorization responses as signed JWTs: JWT Secured Authorization Response Mode for OAuth 2.0 (JARM). */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withFapi } from '../../src/clients/fapi-rules.ts'
import { rotateSigningKeys } from '../../src/keys/signing-keys.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { newClientKey } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  answerOf,
  CALLBACK,
  createApplication,
  expectNoFieldErrors,
  expectPage,
  goOn,
  type Params,
  STATE,
} from './application-fixtures.ts'

let server: Keywright
let person: Person
let application: Application
/** It gets signed responses only. */
let strict: Application
/** Of somebody who is signed in. */
let browser: Browser

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server, { consent: 'skip' })
  strict = await createApplication(server, { consent: 'skip', idTokenAlg: 'ES256', signedResponsesRequired: true })
  browser = openBrowser(server.url)
  await goOn(browser, await browser.visit(application.link()), person)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

/** The claims of a response, whose JWT the published keys verify. */
async function verified(response: string | undefined, by = application, alg = 'RS256') {
  const keys = createLocalJWKSet((await send(`${server.url}/oauth2/jwks`)).body)
  const options = { issuer: server.issuer, audience: by.clientId, algorithms: [alg] }
  const { payload } = await jwtVerify(String(response), keys, options)
  const seconds = payload.exp! - Date.now() / 1000
  expect(seconds > 0 && seconds <= 600).toBe(true)
  return payload
}

/** The claims in the query of a redirect, which has nothing beside the JWT. */
async function claimsIn({ left }: Page, by = application, alg = 'RS256') {
  expect(left!.hash).toBe('')
  const { response, ...others } = Object.fromEntries(left!.searchParams)
  expect(others).toEqual({})
  return await verified(response, by, alg)
}

const ask = async (params: Params, by = application, who = browser): Promise<Page> => await who.visit(by.link(params))

const CODE = { code: expect.any(String), state: STATE }

/** The claims of every response. */
const about = (by: Application) => ({ iss: server.issuer, aud: by.clientId, exp: expect.any(Number) })

describe('a response', () => {
  test.each(['jwt', 'query.jwt'])('by %s is a JWT in the query, whose code works', async (response_mode) => {
    const claims = await claimsIn(await ask({ response_mode }))
    expect(claims).toEqual({ ...about(application), ...CODE })
    expect((await application.redeem(claims.code as string)).status).toBe(200)
  })

  test('by fragment.jwt is a JWT in the fragment', async () => {
    const { left } = await ask({ response_mode: 'fragment.jwt' })
    expect(left!.search).toBe('')
    const { response, ...others } = Object.fromEntries(new URLSearchParams(left!.hash.slice(1)))
    expect([others, await verified(response)]).toEqual([{}, { ...about(application), ...CODE }])
  })

  test('by form_post.jwt is a JWT in a form of this server without an inline script, and so is an error', async () => {
    const page = await ask({ response_mode: 'form_post.jwt' })
    const [form] = formsOf(page)
    expect([page.status, form]).toMatchObject([200, { action: CALLBACK, method: 'POST' }])
    expect(Object.keys(form!.fields)).toEqual(['response'])
    expect(await verified(form!.fields.response)).toMatchObject(CODE)
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)/)
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    const refused = await ask({ response_mode: 'form_post.jwt', prompt: 'none' }, application, openBrowser(server.url))
    expect(refused.status).toBe(400)
    expect(await verified(formsOf(refused)[0]!.fields.response)).toMatchObject({
      error: 'login_required',
      state: STATE,
    })
  })

  test('keeps the query of a redirect URI as it was registered, and has the algorithm of ID tokens', async () => {
    const redirectUris = [`${CALLBACK}?a=%20&close`]
    const made = await createApplication(server, { consent: 'skip', idTokenAlg: 'ES256', redirectUris })
    const { left } = await ask({ response_mode: 'jwt' }, made)
    expect(left!.href.startsWith(`${redirectUris[0]}&response=`)).toBe(true)
    expect(await verified(left!.searchParams.get('response')!, made, 'ES256')).toMatchObject(CODE)
  })

  test('is unsigned where nobody asked for a signature', async () => {
    expect(answerOf((await ask({})).left)).toEqual({ ...CODE, iss: server.issuer })
  })

  test('is no ID token: it is refused as id_token_hint', async () => {
    const response = answerOf((await ask({ response_mode: 'jwt' })).left).response!
    const { error, code } = answerOf((await ask({ id_token_hint: response, prompt: 'none' })).left)
    expect([error, code]).toEqual(['invalid_request', undefined])
    expect((await send(`${server.url}/oauth2/logout?${new URLSearchParams({ id_token_hint: response })}`)).status).toBe(
      400,
    )
  })

  test('is signed by the new key after a rotation, also where the request came before', async () => {
    const kidOf = (page: Page) => decodeProtectedHeader(answerOf(page.left).response!).kid
    const made = await createApplication(server)
    const asked = await ask({ response_mode: 'jwt' }, made)
    const before = kidOf(await ask({ response_mode: 'jwt' }))
    await rotateSigningKeys(server.knex, server.instance.encryptionKeys, { actor: ACTOR })
    const answer = await browser.submit(asked, /allow$/)
    expect(kidOf(answer)).not.toBe(before)
    expect(await claimsIn(answer, made)).toMatchObject(CODE)
    expect(kidOf(await ask({ response_mode: 'jwt' }))).toBe(kidOf(answer))
  })
})

describe('an error', () => {
  test.each<[string, Params, string]>([
    ['of the engine', { scope: '"' }, 'invalid_scope'],
    ['of ours', { audience: 'https://a.example', resource: 'https://b.example' }, 'invalid_target'],
    ['of a response type', { response_type: 'id_token' }, 'invalid_request'],
    ['of PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
  ])('%s is signed', async (_, params, error) => {
    const claims = await claimsIn(await ask({ response_mode: 'query.jwt', ...params }))
    expect(claims).toEqual({ ...about(application), error, error_description: expect.any(String), state: STATE })
  })

  test('is signed where the user denies, and where nobody is signed in', async () => {
    const made = await createApplication(server)
    const asked = await ask({ response_mode: 'jwt' }, made)
    const denied = await claimsIn(await browser.submit(asked, /deny$/), made)
    expect(denied).toMatchObject({ ...about(made), error: 'access_denied', state: STATE })
    const silent = await ask({ response_mode: 'jwt', prompt: 'none' }, made, openBrowser(server.url))
    expect(await claimsIn(silent, made)).toMatchObject({ error: 'login_required', state: STATE })
  })

  test('goes to no redirect URI that is not registered', async () => {
    expectPage(await ask({ response_mode: 'jwt', redirect_uri: 'https://evil.example.com/' }))
    expectPage(await ask({ redirect_uri: 'https://evil.example.com/' }, strict))
  })
})

describe('a client whose responses must be signed', () => {
  test.each([undefined, 'query', 'fragment', 'form_post', 'web_message', 'query.jwt.x'])(
    'is refused the response mode %s, by a signed error',
    async (response_mode) => {
      const page = await ask({ response_mode }, strict)
      const sent = formsOf(page)[0]?.fields ?? answerOf(page.left)
      expect(Object.keys(sent)).toEqual(['response'])
      const { error, code, state } = await verified(sent.response, strict, 'ES256')
      expect([/^invalid_request$|^unsupported_response_mode$/.test(String(error)), code, state]).toEqual([
        true,
        undefined,
        STATE,
      ])
    },
  )

  test('gets signed responses, and signed errors also where the request names no mode', async () => {
    expect(await claimsIn(await ask({ response_mode: 'jwt' }, strict), strict, 'ES256')).toMatchObject(CODE)
    const refused = await ask({ prompt: 'none' }, strict, openBrowser(server.url))
    expect(await claimsIn(refused, strict, 'ES256')).toMatchObject({ error: 'invalid_request', state: STATE })
  })

  test('gets no unsigned response to a request that it sent before', async () => {
    const made = await createApplication(server)
    const asked = await ask({}, made)
    await updateClient(server.knex, made.clientId, { settings: { signedResponsesRequired: true } }, ACTOR)
    expect(await claimsIn(await browser.submit(asked, /allow$/), made)).toMatchObject(CODE)
  })
})

test('openid-client as it is: a client for FAPI 2.0 with signed requests, by PAR, and signed responses', async () => {
  const key = await newClientKey('PS256')
  const settings = {
    ...withFapi({}, { fapi2: true }),
    authMethod: 'private_key_jwt',
    grants: ['authorization_code'],
    redirectUris: [CALLBACK],
    requestObjectsRequired: true,
    signedResponsesRequired: true,
  } as const
  const { clientId } = await server.make.register({ settings, keys: key.parsed })
  const metadata = { authorization_signed_response_alg: 'ES256', id_token_signed_response_alg: 'ES256' }
  const authentication = openid.PrivateKeyJwt({ key: key.privateKey })
  const execute = [openid.allowInsecureRequests, openid.useJwtResponseMode, openid.enableNonRepudiationChecks]
  const config = await openid.discovery(new URL(server.issuer), clientId, metadata, authentication, { execute })
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256', { extractable: true }))
  const begin = async (params: Record<string, string> = {}) => {
    const checks = {
      verifier: openid.randomPKCECodeVerifier(),
      nonce: openid.randomNonce(),
      state: openid.randomState(),
    }
    const request = await openid.buildAuthorizationUrlWithJAR(
      config,
      {
        redirect_uri: CALLBACK,
        scope: 'openid all',
        code_challenge: await openid.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
        nonce: checks.nonce,
        state: checks.state,
        ...params,
      },
      key.privateKey,
    )
    const url = await openid.buildAuthorizationUrlWithPAR(config, request.searchParams, { DPoP })
    return { url, pkceCodeVerifier: checks.verifier, expectedNonce: checks.nonce, expectedState: checks.state }
  }
  const { url, ...checks } = await begin()
  const left = await goOn(browser, await browser.visit(url.href), person)
  const issued = await openid.authorizationCodeGrant(config, left, checks, undefined, { DPoP })
  expect([issued.token_type, issued.claims()!.sub]).toEqual(['dpop', person.id])
  const silent = await begin({ prompt: 'none' })
  const { left: refused } = await openBrowser(server.url).visit(silent.url.href)
  const failed = openid.authorizationCodeGrant(config, refused!, silent, undefined, { DPoP })
  await expect(failed).rejects.toMatchObject({ error: 'login_required' })
})
