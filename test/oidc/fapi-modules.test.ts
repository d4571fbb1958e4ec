/**
 * What the modules of the OpenID Foundation's plans for FAPI 2.0 ask, where no other test here does (docs/conformance.md): a client with
 * private_key_jwt, DPoP and pushed authorization requests.
 */
import { randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { withFapi } from '../../src/clients/fapi-rules.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { createProver } from '../support/dpop-proofs.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { createPkce, openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { answerOf, expectNoFieldErrors, goOn } from './application-fixtures.ts'

const CALLBACK = 'https://app.example.com/callback'
const SETTINGS: Partial<ClientSettings> = {
  ...withFapi({}, { fapi2: true }),
  authMethod: 'private_key_jwt',
  grants: ['authorization_code', 'refresh_token', 'client_credentials'],
  redirectUris: [CALLBACK],
}

let server: Keywright
let person: Person
let key: ClientKey
let clientId: string
let dpop: GenerateKeyPairResult
const pkce = createPkce()

const now = () => Math.floor(Date.now() / 1000)

const register = async (by: ClientKey, settings: Partial<ClientSettings> = {}) =>
  (await server.make.register({ settings: { ...SETTINGS, ...settings }, keys: by.parsed })).clientId

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  key = await newClientKey('PS256')
  clientId = await register(key)
  dpop = await generateKeyPair('ES256', { extractable: true })
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

/** The form of a client that authenticates by an assertion of its own. */
const proved = async (claims: JWTPayload = {}, id = clientId, by = key) =>
  assertionForm(await signAssertion(by, { clientId: id, audience: server.issuer, claims }))

async function proof(
  path: string,
  claims: JWTPayload & { token?: string } = {},
  header: object = {},
  by = dpop,
): Promise<string> {
  const { token, ...others } = claims
  const ath = token && Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url')
  const right = { htm: 'POST', htu: server.issuer + path, jti: randomUUID(), iat: now(), ...(ath && { ath }) }
  return await new SignJWT({ ...right, ...others })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(by.publicKey), ...header })
    .sign(by.privateKey)
}

const request = (params: Record<string, string | undefined> = {}) => {
  const all = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid offline_access all',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...params,
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

const push = async (
  params: Record<string, string | undefined> = {},
  headers: Record<string, string> = {},
  claims: JWTPayload = {},
): Promise<Answer> =>
  await postForm(`${server.url}/oauth2/par`, { ...request(params), ...(await proved(claims)) }, { headers })

/** Where somebody comes back to who signs in and allows a pushed request. */
async function comeBack(pushed: Answer): Promise<Record<string, string>> {
  expect(pushed.status).toBe(201)
  const browser = openBrowser(server.url)
  const link = `/oauth2/authorize?${new URLSearchParams({ client_id: clientId, request_uri: pushed.body.request_uri })}`
  return answerOf(await goOn(browser, await browser.visit(link), person))
}

const redeem = async (code: string, headers: Record<string, string>): Promise<Answer> =>
  await server.token(
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: pkce.verifier,
      ...(await proved()),
    },
    { headers },
  )

async function tokens(): Promise<Answer['body']> {
  const { code } = await comeBack(await push({ prompt: 'consent' }))
  const { status, body } = await redeem(code!, { dpop: await proof('/oauth2/token') })
  expect([status, body.token_type]).toEqual([200, 'DPoP'])
  return body
}

describe('the happy flow', () => {
  test.each([
    ['a private key', 'required'],
    ['a private key, whose proofs must have a nonce', 'nonce'],
  ] as const)('by openid-client as it is: OpenID Connect with PAR, DPoP, PKCE and %s', async (_, policy) => {
    const key = await newClientKey('PS256')
    const clientId = await register(key, { dpop: policy })
    const config = await openid.discovery(
      new URL(server.issuer),
      clientId,
      undefined,
      openid.PrivateKeyJwt({ key: key.privateKey }),
      {
        execute: [openid.allowInsecureRequests],
      },
    )
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256', { extractable: true }))
    const [verifier, nonce, state] = [openid.randomPKCECodeVerifier(), openid.randomNonce(), openid.randomState()]
    const url = await openid.buildAuthorizationUrlWithPAR(
      config,
      {
        redirect_uri: CALLBACK,
        scope: 'openid offline_access all',
        prompt: 'consent',
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        nonce,
        state,
      },
      { DPoP },
    )
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await browser.visit(url.href), person)
    const checks = { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true }
    const issued = await openid.authorizationCodeGrant(config, left, checks, undefined, { DPoP })
    expect(issued.token_type).toBe('dpop')
    const about = await openid.fetchUserInfo(config, issued.access_token, issued.claims()!.sub, { DPoP })
    expect(about.sub).toBe(person.id)
    const refreshed = await openid.refreshTokenGrant(config, issued.refresh_token!, undefined, { DPoP })
    expect(claimsOf(refreshed.access_token).cnf).toEqual(claimsOf(issued.access_token).cnf)
  })

  test('by oauth4webapi as it is: plain OAuth with PAR, DPoP, PKCE and a private key', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true } as const
    const issuer = new URL(server.issuer)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
    const as = await oauth.processDiscoveryResponse(issuer, found)
    const client: oauth.Client = { client_id: clientId }
    const authentication = oauth.PrivateKeyJwt({ key: key.privateKey })
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
    const parameters = {
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'all',
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, {
      DPoP,
      ...insecure,
    })
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
    const link = new URL(as.authorization_endpoint!)
    link.search = new URLSearchParams({ client_id: clientId, request_uri }).toString()
    const browser = openBrowser(server.url)
    const left = await goOn(browser, await browser.visit(link.href), person)
    const callback = oauth.validateAuthResponse(as, client, left, state)
    const answer = await oauth.authorizationCodeGrantRequest(as, client, authentication, callback, CALLBACK, verifier, {
      DPoP,
      ...insecure,
    })
    const issued = await oauth.processAuthorizationCodeResponse(as, client, answer)
    expect([issued.token_type, issued.id_token]).toEqual(['dpop', undefined])
    const granted = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, { DPoP, ...insecure })
    const own = await oauth.processClientCredentialsResponse(as, client, granted)
    expect(claimsOf(own.access_token)).toMatchObject({ sub: clientId, cnf: { jkt: await DPoP.calculateThumbprint() } })
  })
})

describe('an authorization request', () => {
  test.each([
    ['a nonce of 64 characters', { nonce: 'n'.repeat(64) }],
    ['a nonce of 384 characters', { nonce: 'n'.repeat(384) }],
    ['a state of 384 characters', { state: 's'.repeat(384) }],
  ])('with %s gets it back unchanged', async (_, params: { nonce?: string; state?: string }) => {
    const { code, state, iss } = await comeBack(await push(params))
    expect([state, iss]).toEqual([params.state, server.issuer])
    const { body } = await redeem(code!, { dpop: await proof('/oauth2/token') })
    expect(claimsOf(body.id_token).nonce).toBe(params.nonce)
  })

  test('is pushed by POST alone', async () => {
    for (const method of ['PUT', 'GET', 'PATCH', 'DELETE']) {
      const { status } = await send(`${server.url}/oauth2/par`, { method })
      expect([method, status >= 400 && status < 500]).toEqual([method, true])
    }
  })

  test('without a response type, or of a client that names another one, is refused where it is pushed', async () => {
    expect((await push({ response_type: undefined })).body.error).toBe('invalid_request')
    const other = await newClientKey()
    const otherId = await register(other)
    const form = { ...request({ client_id: otherId }), ...(await proved()) }
    expect((await postForm(`${server.url}/oauth2/par`, form)).status).toBe(400)
  })

  test('pushed by one client is refused for another', async () => {
    const other = await register(await newClientKey())
    const { body } = await push()
    const page = await openBrowser(server.url).visit(
      `/oauth2/authorize?${new URLSearchParams({ client_id: other, request_uri: body.request_uri })}`,
    )
    const { error, code } = answerOf(page.left)
    expect([code, /^invalid_request(_object|_uri)?$/.test(error ?? '')]).toEqual([undefined, true])
  })
})

describe('a client assertion', () => {
  test('that is dated 8 seconds ahead is accepted, and one that is dated a minute ahead is not', async () => {
    for (const name of ['iat', 'nbf']) {
      expect([name, (await push({}, {}, { [name]: now() + 8 })).status]).toEqual([name, 201])
      expect([name, (await push({}, {}, { [name]: now() + 65 })).body.error]).toEqual([name, 'invalid_client'])
    }
  })

  test('without a subject, or an expiry five minutes ago, is refused at each endpoint', async () => {
    for (const claims of [{ sub: undefined }, { exp: now() - 300 }]) {
      expect((await push({}, {}, claims as JWTPayload)).body.error).toBe('invalid_client')
      const form = { grant_type: 'client_credentials', ...(await proved(claims as JWTPayload)) }
      expect((await server.token({ ...form, client_id: clientId })).body.error).toBe('invalid_client')
    }
  })

  test('by RS256 is refused for a key that is for PS256', async () => {
    const { privateKey, publicKey } = await generateKeyPair('PS256', { extractable: true })
    const bound = await newClientKey('PS256', { alg: 'PS256' })
    const id = await register(bound)
    const pkcs8 = await crypto.subtle.exportKey('pkcs8', bound.privateKey)
    const rs256 = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, [
      'sign',
    ])
    expect([privateKey.type, publicKey.type]).toEqual(['private', 'public'])
    const form = await proved({}, id, { ...bound, alg: 'RS256', privateKey: rs256 })
    expect((await server.token({ grant_type: 'client_credentials', ...form })).body.error).toBe('invalid_client')
    const right = await proved({}, id, bound)
    const headers = { dpop: await proof('/oauth2/token') }
    expect((await server.token({ grant_type: 'client_credentials', ...right }, { headers })).status).toBe(200)
  })
})

describe('a DPoP proof', () => {
  const tokenBy = async (dpopProof: string): Promise<Answer> =>
    await server.token({ grant_type: 'client_credentials', ...(await proved()) }, { headers: { dpop: dpopProof } })

  test('that is dated 10 seconds before or after now, or has exp and nbf, is accepted', async () => {
    const claims = [{ iat: now() - 10 }, { iat: now() + 10 }, { nbf: now() - 10, exp: now() + 60 }]
    for (const one of claims) expect((await tokenBy(await proof('/oauth2/token', one))).status).toBe(200)
  })

  test('that is dated an hour before or after now is refused', async () => {
    for (const iat of [now() - 3600, now() + 3600]) {
      expect((await tokenBy(await proof('/oauth2/token', { iat }))).body.error).toBe('invalid_dpop_proof')
    }
  })

  test.each<[string, JWTPayload, Record<string, unknown>]>([
    ['typ', {}, { typ: undefined }],
    ['another typ', {}, { typ: 'JWT' }],
    ['jwk', {}, { jwk: undefined }],
    ['jti', { jti: undefined }, {}],
    ['htm', { htm: undefined }, {}],
    ['another htm', { htm: 'GET' }, {}],
    ['htu', { htu: undefined }, {}],
    ['another htu', { htu: 'https://other.example/oauth2/token' }, {}],
    ['iat', { iat: undefined }, {}],
  ])('without what it must have is refused: %s', async (_, claims, header) => {
    const { status, body } = await tokenBy(await proof('/oauth2/token', claims, header))
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof'])
  })

  test('with the private key, another signature, or twice in one request is refused', async () => {
    const withPrivateKey = await proof('/oauth2/token', {}, { jwk: await exportJWK(dpop.privateKey) })
    const stranger = await generateKeyPair('ES256', { extractable: true })
    const signedByOther = await proof('/oauth2/token', {}, { jwk: await exportJWK(stranger.publicKey) })
    const twice = `${await proof('/oauth2/token')}, ${await proof('/oauth2/token')}`
    for (const one of [withPrivateKey, signedByOther, twice, 'no JWT'])
      expect((await tokenBy(one)).body.error).toBe('invalid_dpop_proof')
  })

  test('may have other members, and a query, a fragment, the standard port or capital letters in htu', async () => {
    const { port } = new URL(server.issuer)
    const host = `HTTP://${new URL(server.issuer).hostname.toUpperCase()}:${port}`
    for (const htu of [`${server.issuer}/oauth2/token?a=b#c`, `${host}/oauth2/token`]) {
      expect([htu, (await tokenBy(await proof('/oauth2/token', { htu }))).status]).toEqual([htu, 200])
    }
    expect((await tokenBy(await proof('/oauth2/token', { other: 1 }, { other: 1 }))).status).toBe(200)
  })

  test('of another key than dpop_jkt of the request is refused where the request is pushed', async () => {
    const jkt = await calculateJwkThumbprint(await exportJWK(dpop.publicKey))
    const headers = { dpop: await proof('/oauth2/par') }
    expect((await push({ dpop_jkt: 'x'.repeat(43) }, headers)).status).toBe(400)
    expect((await push({ dpop_jkt: jkt }, { dpop: await proof('/oauth2/par') })).status).toBe(201)
  })

  test('of another key than that of the pushed request does not redeem the code', async () => {
    const { code } = await comeBack(await push({}, { dpop: await proof('/oauth2/par') }))
    const stranger = await generateKeyPair('ES256', { extractable: true })
    expect((await redeem(code!, { dpop: await proof('/oauth2/token', {}, {}, stranger) })).body.error).toBe(
      'invalid_grant',
    )
    expect((await redeem(code!, { dpop: await proof('/oauth2/token') })).status).toBe(200)
  })
})

describe('a bound access token', () => {
  const userinfo = async (scheme: string, token: string, claims: JWTPayload = {}, by = dpop) =>
    await send(`${server.url}/oauth2/userinfo`, {
      headers: {
        authorization: `${scheme} ${token}`,
        dpop: await proof('/oauth2/userinfo', { htm: 'GET', token, ...claims }, {}, by),
      },
    })

  test('is accepted whatever the case of the scheme is, and not as a bearer token', async () => {
    const { access_token } = await tokens()
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect((await userinfo(scheme, access_token)).status).toBe(200)
    expect([400, 401]).toContain((await userinfo('Bearer', access_token)).status)
    const bare = await send(`${server.url}/oauth2/userinfo`, { headers: { authorization: `DPoP ${access_token}` } })
    expect([400, 401]).toContain(bare.status)
  })

  test('needs the hash of the token, and the key that it is bound to', async () => {
    const { access_token } = await tokens()
    const stranger = await generateKeyPair('ES256', { extractable: true })
    for (const ath of [undefined, 'x'.repeat(43)])
      expect((await userinfo('DPoP', access_token, { ath })).status).toBe(401)
    expect((await userinfo('DPoP', access_token, {}, stranger)).status).toBe(401)
    expect((await userinfo('DPoP', access_token)).status).toBe(200)
  })
})

describe('a refresh token', () => {
  test('needs the authentication of its client, and is bound to it', async () => {
    const { refresh_token } = await tokens()
    const headers = async () => ({ headers: { dpop: await proof('/oauth2/token') } })
    const form = { grant_type: 'refresh_token', refresh_token }
    expect((await server.token({ ...form, client_id: clientId }, await headers())).body.error).toBe('invalid_client')
    const other = await newClientKey()
    const otherId = await register(other)
    const foreign = await server.token({ ...form, ...(await proved({}, otherId, other)) }, await headers())
    expect(foreign.body.error).toBe('invalid_grant')
    expect((await server.token({ ...form, ...(await proved()) }, await headers())).status).toBe(200)
  })
})

describe('a client for FAPI 2.0', () => {
  const grant = { grant_type: 'client_credentials' }

  test('is refused an assertion, a proof and an API with RS256, which other clients may use', async () => {
    const rsa = await newClientKey('RS256')
    const rsaProver = await createProver(() => server.issuer, 'RS256')
    const [id, freeId] = [await register(rsa), await register(rsa, { fapi2: false })]
    const request = async (by: ClientKey, of: string, proofs = rsaProver) =>
      await server.token({ ...grant, ...(await proved({}, of, by)) }, await proofs.proof())
    expect((await request(rsa, freeId)).status).toBe(200)
    const good = await createProver(() => server.issuer)
    expect((await request(rsa, id, good)).body.error).toBe('invalid_client')
    const ps256 = await newClientKey('PS256')
    const psId = await register(ps256)
    expect((await request(ps256, psId)).body.error).toBe('invalid_dpop_proof')
    const { status, body } = await request(ps256, psId, good)
    expect(status).toBe(200)
    const token = body.access_token as string
    const { headers } = await rsaProver.proof('/oauth2/userinfo', { method: 'GET', token })
    const shown = await send(`${server.url}/oauth2/userinfo`, {
      headers: { ...headers, authorization: `DPoP ${token}` },
    })
    expect(shown.body.error).toBe('invalid_dpop_proof')
    const api = await server.make.api({ signingAlg: 'RS256' })
    const settings = { ...SETTINGS, grants: ['client_credentials'] }
    const ofApi = await server.make.register({ settings, keys: ps256.parsed, apis: [api.identifier] })
    expect((await request(ps256, ofApi.clientId, good)).body.error).toBe('invalid_target')
  })

  test('is refused its earlier client secret, also within the overlap', async () => {
    const { clientId: id, clientSecret } = await server.make.client()
    const by = await newClientKey('PS256')
    const prover = await createProver(() => server.issuer)
    const bySecret = async () =>
      (await server.token(grant, { basic: { clientId: id, clientSecret }, ...(await prover.proof()) })).status
    await rotateSecret(server.knex, id, 600, ACTOR, { authMethod: 'private_key_jwt', keys: by.parsed })
    expect(await bySecret()).toBe(200)
    await updateClient(server.knex, id, { settings: withFapi({}, { fapi2: true }) }, ACTOR)
    expect(await bySecret()).toBe(401)
    expect((await server.token({ ...grant, ...(await proved({}, id, by)) }, await prover.proof())).status).toBe(200)
  })

  test('must push its requests, and prove a key for each token', async () => {
    const link = `/oauth2/authorize?${new URLSearchParams(request())}`
    const left = await openBrowser(server.url).visit(link)
    expect(answerOf(left.left)).toMatchObject({ error: 'invalid_request', iss: server.issuer })
    expect((await server.token({ ...grant, ...(await proved()) })).body.error).toBe('invalid_dpop_proof')
  })
})

describe('a signed request object', () => {
  const sign = async (claims: JWTPayload = {}, by = key, id = clientId) =>
    await signAssertion(by, {
      clientId: id,
      audience: server.issuer,
      claims: { sub: undefined, nbf: now(), ...request({ client_id: id }), ...claims } as JWTPayload,
    })
  const pushObject = async (object: string, beside: Record<string, string> = {}) =>
    await postForm(`${server.url}/oauth2/par`, { request: object, ...beside, ...(await proved()) })

  test('is the request, whatever stands beside it', async () => {
    const pushed = await pushObject(await sign({ state: 'signed' }), {
      state: 'unsigned',
      redirect_uri: 'https://x.example/',
    })
    const { code, state } = await comeBack(pushed)
    expect([Boolean(code), state]).toEqual([true, 'signed'])
  })

  test('may be for other servers too', async () => {
    const { code } = await comeBack(
      await pushObject(await sign({ aud: [server.issuer, 'https://other1.example.com'] })),
    )
    expect(code).toBeDefined()
  })

  test('is refused without a redirect URI, also beside one, and so is a request that is not signed', async () => {
    const object = await sign({ redirect_uri: undefined })
    expect((await pushObject(object)).body.error).toBe('invalid_request')
    expect((await pushObject(object, { redirect_uri: CALLBACK })).body.error).toBe('invalid_request')
    expect((await push({ redirect_uri: undefined })).body.error).toBe('invalid_request')
  })

  test('is refused with another issuer, audience, key, time, or for another client, and nothing is stored', async () => {
    const other = await newClientKey('PS256')
    const otherId = await register(other)
    const rsa = await newClientKey('RS256')
    const stored = async () => Number((await server.knex('engine_models').count().first())!.count)
    const before = await stored()
    const objects = [
      await sign({ iss: otherId }),
      await sign({ aud: 'https://other.example' }),
      await sign({ aud: ['https://one.example', 'https://other.example'] }),
      await sign({ exp: undefined }),
      await sign({ exp: now() - 60 }),
      await sign({ exp: now() + 4000 }),
      await sign({ nbf: now() + 60 }),
      await sign({}, other),
      await sign({}, other, otherId),
      await sign({}, rsa),
      await sign({ nonce: '\ud800' }),
      await sign({ state: 'a\0b' }),
      'a.b.c',
    ]
    for (const object of objects) {
      const { status, body } = await pushObject(object)
      expect([status, body.error]).toEqual([400, 'invalid_request_object'])
    }
    expect(await stored()).toBe(before)
  })

  test('can be required, pushed or in a URL', async () => {
    const by = await newClientKey('PS256')
    const id = await register(by, { requestObjectsRequired: true, fapi2: false, parRequired: false })
    const unsigned = { ...request({ client_id: id }), ...(await proved({}, id, by)) }
    expect((await postForm(`${server.url}/oauth2/par`, unsigned)).body.error).toBe('invalid_request')
    const visit = async (params: Record<string, string>) =>
      await openBrowser(server.url).visit(`/oauth2/authorize?${new URLSearchParams(params)}`)
    expect(answerOf((await visit(request({ client_id: id }))).left).error).toBe('invalid_request')
    const browser = openBrowser(server.url)
    const link = new URLSearchParams({ client_id: id, request: await sign({}, by, id) })
    const left = await goOn(browser, await browser.visit(`/oauth2/authorize?${link}`), person)
    expect(answerOf(left)).toHaveProperty('code')
    expect((await visit({ client_id: id, request: await sign({}, key, id) })).status).toBe(400)
  })
})
