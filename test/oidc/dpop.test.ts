/** Tokens of people that are bound to a key (RFC 9449). */
import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metadataOf } from '../../packages/resource-server/src/metadata.ts'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  getCode,
  type Params,
} from './application-fixtures.ts'

type Prover = Awaited<ReturnType<typeof createProver>>

let server: Keywright
let person: Person
let spa: Application
let prover: Prover
let thief: Prover

/** Somebody with a key, who proves to hold it. */
async function createProver(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = await exportJWK(publicKey)

  async function prove(
    path: string,
    { method = 'POST', token, ...more }: Record<string, unknown> = {},
  ): Promise<string> {
    const ath = token ? Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(String(token)))) : undefined
    const claims = { htm: method, htu: server.issuer + path, jti: randomUUID(), ...more }
    return await new SignJWT({ ...claims, ...(ath && { ath: ath.toString('base64url') }) })
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk })
      .setIssuedAt(more.iat as number | undefined)
      .sign(privateKey)
  }
  const proof = async (path = '/oauth2/token', more = {}) => ({ headers: { dpop: await prove(path, more) } })
  return { prove, proof, jkt: await calculateJwkThumbprint(jwk) }
}

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  spa = await createApplication(server, { isPublic: true })
  ;[prover, thief] = [await createProver(), await createProver()]
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const SCOPE = 'openid email offline_access all'
const codeOf = (app = spa, params: Params = {}) =>
  getCode(openBrowser(server.url), app, person, { scope: SCOPE, ...params })
const bind = async (app = spa, by = prover): Promise<Answer['body']> =>
  (await app.redeem(await codeOf(app), {}, { ...(await by.proof()), ...(app.clientSecret && { basic: app.basic }) }))
    .body

const userinfo = (headers: Record<string, string>) => send(`${server.url}/oauth2/userinfo`, { headers })

describe('a bound code flow', () => {
  test('issues a bound token, refreshes it and serves userinfo, each with a proof', async () => {
    const tokens = await bind()
    expect(tokens).toMatchObject({ token_type: 'DPoP', refresh_token: expect.any(String) })
    expect(claimsOf(tokens.access_token).cnf).toEqual({ jkt: prover.jkt })
    const refreshed = await spa.refresh(tokens.refresh_token, {}, await prover.proof())
    expect(refreshed.body).toMatchObject({ token_type: 'DPoP' })
    const token = refreshed.body.access_token
    expect(claimsOf(token).cnf).toEqual({ jkt: prover.jkt })
    const dpop = await prover.prove('/oauth2/userinfo', { method: 'GET', token })
    const about = await userinfo({ authorization: `DPoP ${token}`, dpop })
    expect(about.status).toBe(200)
    expect(about.body).toMatchObject({ sub: person.id, email: person.email })
    const { body } = await server.introspect(token, server.firstStart.api)
    expect(body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: prover.jkt } })
  })

  test('refuses a bound token without its proof, as Bearer, or with another key', async () => {
    const { access_token: token } = await bind()
    const path = '/oauth2/userinfo'
    const stolen = await thief.prove(path, { method: 'GET', token })
    const unbound = await prover.prove(path, { method: 'GET' })
    const attempts: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { authorization: `DPoP ${token}` },
      { authorization: `DPoP ${token}`, dpop: stolen },
      { authorization: `DPoP ${token}`, dpop: unbound },
      { authorization: `Bearer ${token}`, dpop: await prover.prove(path, { method: 'GET', token }) },
    ]
    for (const headers of attempts) {
      const { status, headers: answered } = await userinfo(headers)
      expect([status >= 400 && status <= 401, answered.get('www-authenticate')]).toEqual([true, expect.any(String)])
    }
  })

  test('accepts a public client’s refresh token with its key only', async () => {
    const { refresh_token } = await bind()
    for (const options of [{}, await thief.proof()]) {
      const { status, body } = await spa.refresh(refresh_token, {}, options)
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
    expect((await spa.refresh(refresh_token, {}, await prover.proof())).status).toBe(200)
  })

  test('a confidential client’s refresh token may be bound to another key (RFC 9449, section 5)', async () => {
    const app = await createApplication(server)
    const { refresh_token } = await bind(app)
    const { status, body } = await app.refresh(refresh_token, {}, { basic: app.basic, ...(await thief.proof()) })
    expect([status, claimsOf(body.access_token).cnf]).toEqual([200, { jkt: thief.jkt }])
  })

  test('a code that names a key is redeemed with that key (dpop_jkt)', async () => {
    const code = await codeOf(spa, { dpop_jkt: prover.jkt })
    for (const options of [{}, await thief.proof()]) {
      expect((await spa.redeem(code, {}, options)).body.error).toBe('invalid_grant')
    }
    expect((await spa.redeem(code, {}, await prover.proof())).status).toBe(200)
  })

  test('a pushed request with a proof binds its code', async () => {
    const pushed = await postForm(
      `${server.url}/oauth2/par`,
      Object.fromEntries(spa.requested({ scope: SCOPE })),
      await prover.proof('/oauth2/par'),
    )
    const code = await codeOf(spa, { request_uri: pushed.body.request_uri })
    expect((await spa.redeem(code, {}, await thief.proof())).body.error).toBe('invalid_grant')
    expect((await spa.redeem(code, {}, await prover.proof())).status).toBe(200)
  })
})

describe('invalid proofs', () => {
  test('a repeated proof is refused, at every endpoint', async () => {
    const proof = await prover.proof()
    const first = await spa.redeem(await codeOf(), {}, proof)
    expect(first.status).toBe(200)
    expect((await spa.redeem(await codeOf(), {}, proof)).status).toBe(400)
    expect((await spa.refresh(first.body.refresh_token, {}, proof)).status).toBe(400)
    const token = first.body.access_token
    const dpop = await prover.prove('/oauth2/userinfo', { method: 'GET', token })
    expect((await userinfo({ authorization: `DPoP ${token}`, dpop })).status).toBe(200)
    expect((await userinfo({ authorization: `DPoP ${token}`, dpop })).status).toBe(401)
  })

  test('a proof for another method, URL or time, or an unsigned or malformed one, is refused', async () => {
    const code = await codeOf()
    const proofs = [
      await prover.prove('/oauth2/token', { method: 'GET' }),
      await prover.prove('/oauth2/userinfo'),
      await prover.prove('/oauth2/token', { iat: Math.floor(Date.now() / 1000) - 3600 }),
      await prover.prove('/oauth2/token', { htu: 'https://evil.example.com/oauth2/token' }),
      `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.`,
      'nonsense',
      'a.b.c',
    ]
    for (const dpop of proofs) {
      const { status, body } = await spa.redeem(code, {}, { headers: { dpop } })
      expect([status, body.error]).toEqual([400, 'invalid_dpop_proof'])
    }
    expect((await spa.redeem(code)).status).toBe(200)
  })
})

describe('the algorithms of proofs', () => {
  const audience = 'https://api.example.com/dpop'

  test('are one list: the server and the resource server package announce and accept the same', async () => {
    await server.make.api({ identifier: audience })
    const machine = await server.make.client({}, [audience])
    const options = { issuer: server.issuer, audience, jwksUri: `${server.url}/oauth2/jwks`, allowHttp: true }
    const verifier = createVerifier({ ...options, statusList: false })
    const { body } = await send(`${server.url}/.well-known/openid-configuration`)
    const algorithms: string[] = body.dpop_signing_alg_values_supported
    expect(metadataOf(verifier.settings)!.dpop_signing_alg_values_supported).toEqual(algorithms)
    for (const alg of algorithms) {
      const holder = await createProver(alg)
      const issued = await server.machineToken(machine, {}, await holder.proof())
      expect([alg, issued.status, issued.body.token_type]).toEqual([alg, 200, 'DPoP'])
      const token = issued.body.access_token
      const dpop = await holder.prove('/weather', { method: 'GET', token })
      const request = {
        method: 'GET',
        url: `${server.issuer}/weather`,
        headers: { authorization: `DPoP ${token}`, dpop },
      }
      expect(await verifier.verify(request)).toMatchObject({ clientId: machine.clientId })
    }
    await verifier.close()
  })

  test('leave out those that the package does not verify', async () => {
    const machine = await server.make.client({}, [(await server.make.api()).identifier])
    const holder = await createProver('ES384')
    const { status, body } = await server.machineToken(machine, {}, await holder.proof())
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof'])
  })
})
