/** Tokens of people that are bound to a key (RFC 9449). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metadataOf } from '../../packages/resource-server/src/metadata.ts'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { CLIENT_CREDENTIALS_GRANT, TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { createProver, type Prover } from '../support/dpop-proofs.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, postForm, type RequestOptions, send } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  getCode,
  type Params,
} from './application-fixtures.ts'

let server: Keywright
let person: Person
let spa: Application
let prover: Prover
let thief: Prover

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  spa = await createApplication(server, { isPublic: true })
  ;[prover, thief] = [await createProver(() => server.issuer), await createProver(() => server.issuer)]
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

const outcomeOf = ({ status, body }: Answer) => [status, body.error]

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
    const repeated = [400, 'invalid_dpop_proof']
    expect(outcomeOf(await spa.redeem(await codeOf(), {}, proof))).toEqual(repeated)
    expect(outcomeOf(await spa.refresh(first.body.refresh_token, {}, proof))).toEqual(repeated)
    const pushing = await prover.proof('/oauth2/par')
    const push = async () =>
      await postForm(`${server.url}/oauth2/par`, Object.fromEntries(spa.requested({ scope: SCOPE })), pushing)
    expect((await push()).status).toBe(201)
    expect(outcomeOf(await push())).toEqual(repeated)
    const token = first.body.access_token
    const dpop = await prover.prove('/oauth2/userinfo', { method: 'GET', token })
    expect((await userinfo({ authorization: `DPoP ${token}`, dpop })).status).toBe(200)
    expect((await userinfo({ authorization: `DPoP ${token}`, dpop })).status).toBe(401)
  })

  test('a repeated proof of a client that acts for itself, or exchanges a token, is refused as an invalid one', async () => {
    const { access_token } = (await spa.redeem(await codeOf())).body
    const grants = [CLIENT_CREDENTIALS_GRANT, TOKEN_EXCHANGE_GRANT]
    const settings = { grants, exchangeFrom: [spa.clientId] }
    const machine = await server.make.client(settings, [server.firstStart.api.identifier])
    const exchange = {
      grant_type: TOKEN_EXCHANGE_GRANT,
      subject_token: access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }
    for (const form of [{ grant_type: CLIENT_CREDENTIALS_GRANT }, exchange]) {
      const options = { ...(await prover.proof()), basic: machine }
      expect((await server.token(form, options)).status).toBe(200)
      expect(outcomeOf(await server.token(form, options))).toEqual([400, 'invalid_dpop_proof'])
    }
  })

  test('a proof that is dated ahead is remembered for as long as it is valid', async () => {
    const iat = Math.floor(Date.now() / 1000) + 290
    expect((await spa.redeem(await codeOf(), {}, await prover.proof('/oauth2/token', { iat }))).status).toBe(200)
    const remembered = server.knex('engine_models').where({ model: 'ReplayDetection' })
    const { last } = (await remembered.max({ last: server.knex.raw('extract(epoch FROM expires_at)') }).first())!
    expect(Number(last)).toBeGreaterThanOrEqual(iat + 300)
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
      const holder = await createProver(() => server.issuer, alg)
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
    const holder = await createProver(() => server.issuer, 'ES384')
    const { status, body } = await server.machineToken(machine, {}, await holder.proof())
    expect([status, body.error]).toEqual([400, 'invalid_dpop_proof'])
  })
})

describe('a required proof', () => {
  const missing = [400, 'invalid_dpop_proof']
  const AUDIENCE = 'https://api.example.com/bound'

  beforeAll(async () => {
    await server.make.api({ identifier: AUDIENCE, dpopRequired: true })
  })

  /** Each request is refused without a proof, and served with one. */
  async function expectRequired(request: (options: RequestOptions) => Promise<Answer>) {
    expect(outcomeOf(await request({}))).toEqual(missing)
    const { status, body } = await request(await prover.proof())
    expect([status, body.token_type, claimsOf(body.access_token).cnf]).toEqual([200, 'DPoP', { jkt: prover.jkt }])
    return body
  }

  test.each([
    ['by the client', { dpop: 'required' }, undefined],
    ['by the API', {}, [AUDIENCE]],
  ] as const)('%s is for client credentials, on the fast path too', async (_, settings, apis) => {
    const machine = await server.make.client(settings, apis && [...apis])
    await expectRequired((options) => server.machineToken(machine, {}, options))
    await expectRequired((options) => server.machineToken(machine, { unknown: 'parameter' }, options))
    const issued = server.knex('access_tokens as t').join('clients as c', 'c.id', 't.client_id')
    expect(await issued.where({ 'c.client_id': machine.clientId })).toHaveLength(2)
  })

  test('takes effect at once, also where the node has cached the registration', async () => {
    const machine = await server.make.client()
    expect((await server.machineToken(machine)).status).toBe(200)
    await updateClient(server.knex, machine.clientId, { settings: { dpop: 'required' } }, ACTOR)
    expect(outcomeOf(await server.machineToken(machine))).toEqual(missing)
    await updateClient(server.knex, machine.clientId, { settings: { dpop: 'optional' } }, ACTOR)
    expect((await server.machineToken(machine)).status).toBe(200)
  })

  test.each([
    ['the client', { dpop: 'required' }, undefined],
    ['the API', {}, [AUDIENCE]],
  ] as const)(
    'of %s is for codes, which a refused request does not use up, and for refresh tokens',
    async (_, settings, apis) => {
      const app = await createApplication(server, settings, apis ? { apis: [...apis] } : {})
      const code = await codeOf(app)
      const { refresh_token } = await expectRequired((options) =>
        app.redeem(code, {}, { ...options, basic: app.basic }),
      )
      await expectRequired((options) => app.refresh(refresh_token, {}, { ...options, basic: app.basic }))
    },
  )

  test('is for exchanged tokens', async () => {
    const { access_token } = (await spa.redeem(await codeOf())).body
    const settings = { grants: [TOKEN_EXCHANGE_GRANT], exchangeFrom: [spa.clientId], dpop: 'required' } as const
    const gateway = await server.make.client({ ...settings, accessType: 'user' }, [server.firstStart.api.identifier])
    const form = {
      grant_type: TOKEN_EXCHANGE_GRANT,
      subject_token: access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }
    await expectRequired((options) => server.token(form, { ...options, basic: gateway }))
  })

  test('excludes tokens that are used again', async () => {
    const made = server.make.client({ dpop: 'required', reuseWindow: 600 })
    await expect(made).rejects.toThrow('tokens that are bound to a key cannot be used again')
  })
})

describe('a required nonce', () => {
  const nonceOf = ({ headers }: Answer): string => headers.get('dpop-nonce') ?? ''
  const settings = { dpop: 'nonce' } as const

  test('is given at the token endpoint, and with each later response that has a newer one', async () => {
    const machine = await server.make.client(settings)
    const first = await server.machineToken(machine, {}, await prover.proof())
    expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce'])
    const nonce = nonceOf(first)
    expect(nonce).toMatch(/^[\w-]{43}$/)
    const second = await server.machineToken(machine, {}, await prover.proof('/oauth2/token', { nonce }))
    expect([second.status, second.body.token_type]).toEqual([200, 'DPoP'])
    for (const other of ['wrong', `${nonce}x`, 'é']) {
      const third = await server.machineToken(machine, {}, await prover.proof('/oauth2/token', { nonce: other }))
      expect([third.status, third.body.error, nonceOf(third)]).toEqual([
        400,
        'use_dpop_nonce',
        expect.stringMatching(/./),
      ])
    }
    expect((await server.machineToken(machine)).body.error).toBe('invalid_dpop_proof')
  })

  test('uses up neither a code nor a refresh token, and is given at userinfo and where requests are pushed', async () => {
    const app = await createApplication(server, { ...settings, isPublic: true })
    const code = await codeOf(app)
    const refused = await app.redeem(code, {}, await prover.proof())
    expect(refused.body.error).toBe('use_dpop_nonce')
    const nonce = nonceOf(refused)
    const withNonce = { nonce }
    const { body } = await app.redeem(code, {}, await prover.proof('/oauth2/token', withNonce))
    expect((await app.refresh(body.refresh_token, {}, await prover.proof())).body.error).toBe('use_dpop_nonce')
    const refreshed = await app.refresh(body.refresh_token, {}, await prover.proof('/oauth2/token', withNonce))
    expect(refreshed.status).toBe(200)
    const token = refreshed.body.access_token
    const about = async (more: object) =>
      await userinfo({
        authorization: `DPoP ${token}`,
        dpop: await prover.prove('/oauth2/userinfo', { method: 'GET', token, ...more }),
      })
    const challenged = await about({})
    expect([challenged.status, challenged.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^DPoP .*error="use_dpop_nonce"/),
    ])
    expect((await about({ nonce: nonceOf(challenged) })).status).toBe(200)
    const push = async (more: object) =>
      await postForm(
        `${server.url}/oauth2/par`,
        Object.fromEntries(app.requested({ scope: SCOPE })),
        await prover.proof('/oauth2/par', more),
      )
    const unpushed = await push({})
    expect([unpushed.status, unpushed.body.error]).toEqual([400, 'use_dpop_nonce'])
    expect((await push({ nonce: nonceOf(unpushed) })).status).toBe(201)
  })

  test('may be read by applications in the browser', async () => {
    const app = await createApplication(server, { ...settings, isPublic: true })
    const { origin } = new URL(Object.fromEntries(app.requested({})).redirect_uri!)
    const { headers } = await app.redeem('x', {}, { headers: { origin, dpop: await prover.prove('/oauth2/token') } })
    expect(headers.get('access-control-expose-headers')).toMatch(/DPoP-Nonce/i)
    expect(headers.get('dpop-nonce')).toBeTruthy()
  })

  test('is neither given to other clients nor a way around the time of their proofs', async () => {
    const machine = await server.make.client()
    const iat = Math.floor(Date.now() / 1000) - 3600
    const answers = [
      await server.machineToken(machine, {}, await prover.proof()),
      await server.machineToken(machine, {}, await prover.proof('/oauth2/token', { iat })),
    ]
    expect(answers.map((answer) => [answer.body.error, nonceOf(answer)])).toEqual([
      [undefined, ''],
      ['invalid_dpop_proof', ''],
    ])
  })
})
