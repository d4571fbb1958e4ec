/** Client authentication by a private key (RFC 7523, sections 2.2 and 3; RFC 7521, section 4.2). */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lockClientsExclusive } from '../../src/clients/client-locks.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilLocked } from '../support/lock-waits.ts'
import { type Answer, claimsOf, postForm, send } from '../support/requests.ts'
import { statementsDuring } from '../support/statements.ts'

const ALGS = ['ES256', 'PS256', 'RS256', 'EdDSA'] as const
const SETTINGS = { authMethod: 'private_key_jwt' } as const

let server: Keywright
let api: { identifier: string; clientId: string; clientSecret: string }
let key: ClientKey
let clientId: string

const register = (keys: readonly ClientKey[], settings = {}) =>
  server.make.register({
    settings: { ...SETTINGS, ...settings },
    apis: [api.identifier],
    keys: keys.flatMap(({ parsed }) => parsed),
  })

const assertionOf = (claims = {}, header = {}, from = key, id = clientId) =>
  signAssertion(from, { clientId: id, audience: server.issuer, claims, header })

const tokenBy = (assertion: string, form = {}): Promise<Answer> =>
  server.token({ grant_type: 'client_credentials', ...assertionForm(assertion), ...form })

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  key = await newClientKey()
  clientId = (await register([key])).clientId
})

afterAll(() => server.stop())

const now = () => Math.floor(Date.now() / 1000)

describe('an assertion', () => {
  test.each(ALGS)('that %s signs gets a token, with and without the client ID', async (alg) => {
    const own = await newClientKey(alg)
    const { clientId: id } = await register([own])
    for (const form of [{}, { client_id: id }]) {
      const { status, body } = await tokenBy(await assertionOf({}, {}, own, id), form)
      expect(status).toBe(200)
      expect(claimsOf(body.access_token)).toMatchObject({ sub: id, client_id: id, aud: api.identifier })
    }
  })

  test('finds its key by the key ID, or among all keys without one', async () => {
    const keys = [await newClientKey('ES256', { kid: 'a' }), await newClientKey('ES256', { kid: 'b' })]
    const { clientId: id } = await register(keys)
    expect((await tokenBy(await assertionOf({}, {}, keys[1], id))).status).toBe(200)
    expect((await tokenBy(await assertionOf({}, { kid: undefined }, keys[1], id))).status).toBe(200)
    expect((await tokenBy(await assertionOf({}, { kid: 'a' }, keys[1], id))).status).toBe(401)
  })

  test('names an endpoint as its audience only for a client with the option, which is counted', async () => {
    const { clientId: id } = await register([key], { endpointAudiences: true })
    const token = `${server.issuer}/oauth2/token`
    const by = async (aud: unknown, from: string) => (await tokenBy(await assertionOf({ aud }, {}, key, from))).status
    for (const aud of [token, `${token}/`, `${server.issuer}/oauth2/par`, [server.issuer], [token, server.issuer]]) {
      expect([aud, await by(aud, id), await by(aud, clientId)]).toEqual([aud, 200, 401])
    }
    const others = [
      [token, 'https://other.example'],
      [],
      [[token]],
      {},
      null,
      `${server.issuer}/`,
      `${token}?a=b`,
      'token',
    ]
    for (const aud of others) expect([aud, await by(aud, id)]).toEqual([aud, 401])
    expect(await by(server.issuer, id)).toBe(200)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/keywright_legacy_option_uses_total\{kind="endpoint_audience"\} 5/)
  })

  test('authenticates at the endpoints of pushed requests, devices and revocation too', async () => {
    const settings = {
      grants: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      redirectUris: ['https://app.example.com/callback'],
    }
    const { clientId: id } = await register([key], settings)
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const request = {
      response_type: 'code',
      redirect_uri: settings.redirectUris[0]!,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      scope: 'openid',
    }
    const forms: [string, Record<string, string>, number][] = [
      ['/oauth2/par', request, 201],
      ['/oauth2/device', { scope: 'openid' }, 200],
      ['/oauth2/revoke', { token: 'unknown' }, 200],
    ]
    for (const [path, form, status] of forms) {
      const post = (proof: Record<string, string>) => postForm(server.url + path, { ...form, ...proof })
      expect([path, (await post(assertionForm(await assertionOf({}, {}, key, id)))).status]).toEqual([path, status])
      expect([
        path,
        (await post(assertionForm(await assertionOf({ aud: 'https://other.example' }, {}, key, id)))).status,
      ]).toEqual([path, 401])
      expect([path, (await post({ client_id: id })).status]).toEqual([path, 401])
    }
  })

  test('works by openid-client as it is', async () => {
    const own = await newClientKey('ES256', { kid: 'first' })
    const { clientId: id } = await register([own])
    const config = await client.discovery(
      new URL(server.issuer),
      id,
      undefined,
      client.PrivateKeyJwt({ key: own.privateKey, kid: 'first' }),
      { execute: [client.allowInsecureRequests] },
    )
    const tokens = await client.clientCredentialsGrant(config, { resource: api.identifier })
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: id })
  })
})

describe('is refused with invalid_client and a reason that admins see', () => {
  /** A client of its own, so that its refusals are those of one case. */
  async function newOwn() {
    const own = await newClientKey()
    const { clientId: id } = await register([own])
    return { id, key: own, sign: (claims = {}, header = {}, from = own) => assertionOf(claims, header, from, id) }
  }
  type Own = Awaited<ReturnType<typeof newOwn>>

  const CASES: [string, (own: Own) => Promise<string>, string][] = [
    [
      'the token endpoint as the audience',
      ({ sign }) => sign({ aud: `${server.issuer}/oauth2/token` }),
      'assertion_audience',
    ],
    ['another issuer as the audience', ({ sign }) => sign({ aud: 'https://other.example' }), 'assertion_audience'],
    ['a list with the issuer as the audience', ({ sign }) => sign({ aud: [server.issuer] }), 'assertion_audience'],
    ['no audience', ({ sign }) => sign({ aud: undefined }), 'assertion_audience'],
    ['an issuer other than the client', ({ sign }) => sign({ iss: 'https://other.example' }), 'assertion_invalid'],
    ['no issuer', ({ sign }) => sign({ iss: undefined }), 'assertion_invalid'],
    ['an expiry in the past', ({ sign }) => sign({ exp: now() - 30 }), 'assertion_expired'],
    ['an expiry too far ahead', ({ sign }) => sign({ exp: now() + 400 }), 'assertion_invalid'],
    ['no expiry', ({ sign }) => sign({ exp: undefined }), 'assertion_invalid'],
    ['an issue time in the future', ({ sign }) => sign({ iat: now() + 60 }), 'assertion_invalid'],
    ['a start in the future', ({ sign }) => sign({ nbf: now() + 60 }), 'assertion_invalid'],
    ['no ID', ({ sign }) => sign({ jti: undefined }), 'assertion_invalid'],
    ['an empty ID', ({ sign }) => sign({ jti: '' }), 'assertion_invalid'],
    ['an ID of 301 characters', ({ sign }) => sign({ jti: 'x'.repeat(301) }), 'assertion_invalid'],
    ['an ID that is no text', ({ sign }) => sign({ jti: 7 as never }), 'assertion_invalid'],
    ['another type', ({ sign }) => sign({}, { typ: 'at+jwt' }), 'assertion_invalid'],
    [
      'an extension that must be understood',
      (own) => own.sign({}, { crit: ['x'], x: 1 }).catch(() => forged(own, { crit: ['x'], x: 1 })),
      'assertion_invalid',
    ],
    ['a key of another client', async ({ sign }) => sign({}, {}, await newClientKey()), 'assertion_key'],
    ['no signature', async ({ sign }) => `${part({ alg: 'none' })}.${(await sign()).split('.')[1]}.`, 'assertion_key'],
    ['the public key as the secret of an HMAC', (own) => byHmac(own), 'assertion_key'],
    ['an algorithm that is not accepted', (own) => byOther(own, 'ES384'), 'assertion_key'],
    ['a changed payload', async ({ sign }) => changed(await sign()), 'assertion_key'],
  ]
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  async function forged({ sign }: Own, header: Record<string, unknown>): Promise<string> {
    const [, payload, signature] = (await sign()).split('.')
    return `${part({ alg: 'ES256', ...header })}.${payload}.${signature}`
  }

  const rightClaims = (id: string) => ({
    iss: id,
    sub: id,
    aud: server.issuer,
    exp: now() + 60,
    jti: crypto.randomUUID(),
  })

  const byHmac = ({ id, key: { jwk } }: Own) =>
    new SignJWT(rightClaims(id)).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(JSON.stringify(jwk)))

  async function byOther({ id }: Own, alg: string): Promise<string> {
    const { privateKey } = await generateKeyPair(alg)
    return await new SignJWT(rightClaims(id)).setProtectedHeader({ alg }).sign(privateKey)
  }

  function changed(assertion: string): string {
    const [header, payload, signature] = assertion.split('.')
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString())
    return `${header}.${part({ ...claims, exp: claims.exp + 1 })}.${signature}`
  }

  test.concurrent.for(CASES)('%s', async ([, make, reason], { expect }) => {
    const own = await newOwn()
    const { status, body } = await tokenBy(await make(own), { client_id: own.id })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    expect(JSON.stringify(body)).not.toContain(reason)
    await expect.poll(() => reasonsOf(own.id)).toEqual([reason])
  })

  const reasonsOf = (id: string): Promise<string[]> =>
    server
      .knex('client_usage_hours as h')
      .join('clients as c', 'c.id', 'h.client_id')
      .where({ 'c.client_id': id })
      .whereNot('h.outcome', 'issued')
      .pluck('h.outcome')

  test('a second use', async () => {
    const assertion = await assertionOf()
    expect((await tokenBy(assertion)).status).toBe(200)
    expect((await tokenBy(assertion)).body.error).toBe('invalid_client')
  })

  test('a second use in one moment: of 20 one succeeds', async () => {
    const assertion = await assertionOf()
    const answers = await Promise.all(Array.from({ length: 20 }, () => tokenBy(assertion)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19)
  })

  test.each([
    ['a scope that the client lacks', { scope: 'unknown' }, {}],
    ['an unknown parameter', { unknown: 'x' }, {}],
    ['a rate limit', {}, { rateLimit: { count: 100, period: 60 } }],
    ['a quota', {}, { quotaPerHour: 100 }],
    ['the policy single', {}, { policy: 'single' }],
    ['a refresh token', {}, { clientCredentialsRefresh: true }],
  ])('a second use with %s, and after a request with it', async (_, form, settings) => {
    const { clientId: id } = await register([key], settings)
    for (const forms of [
      [form, {}],
      [{}, form],
      [form, form],
    ]) {
      const assertion = await assertionOf({}, {}, key, id)
      const statuses = [(await tokenBy(assertion, forms[0])).status, (await tokenBy(assertion, forms[1])).status]
      expect([forms, statuses]).toEqual([forms, ['scope' in forms[0]! ? 400 : 200, 401]])
    }
  })

  test('a second use, which takes no place in a status list', async () => {
    const own = await server.make.api()
    const { clientId: id } = await server.make.register({
      settings: SETTINGS,
      apis: [own.identifier],
      keys: key.parsed,
    })
    const leased = () =>
      server
        .knex('status_lists as l')
        .join('apis as a', 'a.id', 'l.api_id')
        .where('a.identifier', own.identifier)
        .pluck('next')
    const assertion = await assertionOf({}, {}, key, id)
    expect((await tokenBy(assertion)).status).toBe(200)
    const before = await leased()
    expect(before).toHaveLength(1)
    for (let n = 0; n < 50; n++) expect((await tokenBy(assertion)).status).toBe(401)
    expect(await leased()).toEqual(before)
  })

  test('a second use, which records no token and ends none under the policy single', async () => {
    const { clientId: id, key: row } = await register([key], { policy: 'single' })
    const assertion = await assertionOf({}, {}, key, id)
    const { body } = await tokenBy(assertion)
    await Promise.all(Array.from({ length: 10 }, () => tokenBy(assertion)))
    expect((await server.introspect(body.access_token, api)).body.active).toBe(true)
    expect(await server.knex('access_tokens').where({ client_id: row })).toHaveLength(1)
  })

  test('but not the first use that waits while the client is being changed', async () => {
    const { clientId: id, key: row } = await register([key])
    expect((await tokenBy(await assertionOf({}, {}, key, id))).status).toBe(200)
    const changing = await server.knex.transaction()
    await lockClientsExclusive(changing, 'id', row)
    const answer = assertionOf({}, {}, key, id).then((assertion) => tokenBy(assertion))
    await untilLocked({ query: (text) => server.knex.raw(text) }, answer)
    await changing('clients').where({ id: row }).increment('version')
    await changing.commit()
    expect((await answer).status).toBe(200)
  })

  test('the first use in a request takes one statement, together with the token', async () => {
    const uses: string[] = []
    for (let n = 0; n < 20 && uses.length !== 1; n++) {
      const assertion = await assertionOf()
      uses.length = 0
      uses.push(...(await statementsDuring(() => tokenBy(assertion))).filter((text) => text.includes('engine_models')))
    }
    expect(uses).toHaveLength(1)
    expect(uses[0]).toContain('INSERT INTO access_tokens')
  })

  test('the same ID from two clients is no second use', async () => {
    const { clientId: other } = await register([key])
    const jti = crypto.randomUUID()
    expect((await tokenBy(await assertionOf({ jti }))).status).toBe(200)
    expect((await tokenBy(await assertionOf({ jti }, {}, key, other))).status).toBe(200)
  })

  test('requests that are malformed, or prove their client in two ways', async () => {
    const assertion = await assertionOf()
    const basic = { clientId, clientSecret: 'kws_x' }
    const cases: [Promise<Answer>, number, string][] = [
      [tokenBy(assertion, { client_assertion_type: 'urn:other' }), 401, 'invalid_client'],
      [server.token({ grant_type: 'client_credentials', client_assertion: assertion }), 401, 'invalid_client'],
      [tokenBy(assertion, { client_id: 'kwc_other' }), 400, 'invalid_request'],
      [tokenBy(assertion, { client_secret: 'kws_x' }), 400, 'invalid_request'],
      [
        server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) }, { basic }),
        400,
        'invalid_request',
      ],
      [tokenBy('x'), 401, 'invalid_client'],
      [tokenBy(`${part(null)}.${part(null)}.x`), 401, 'invalid_client'],
      [tokenBy('x'.repeat(20_000)), 401, 'invalid_client'],
      [tokenBy(`${part({ alg: 'ES256' })}.${part({ sub: 'kwc_\0' })}.x`), 401, 'invalid_client'],
    ]
    for (const [answer, status, error] of cases) {
      const { body, ...sent } = await answer
      expect([sent.status, body.error]).toEqual([status, error])
    }
  })

  test('a client secret, and no authentication at all', async () => {
    const withSecret = await server.make.client({}, [api.identifier])
    expect((await server.machineToken({ clientId, clientSecret: withSecret.clientSecret })).status).toBe(401)
    expect((await server.token({ grant_type: 'client_credentials', client_id: clientId })).status).toBe(401)
    const assertion = await signAssertion(key, { clientId: withSecret.clientId, audience: server.issuer })
    expect((await tokenBy(assertion)).status).toBe(401)
  })
})

describe('keys', () => {
  test('new ones end the earlier ones and their tokens at once', async () => {
    const own = await newClientKey()
    const { clientId: id } = await register([own])
    const { body } = await tokenBy(await assertionOf({}, {}, own, id))
    const next = await newClientKey('EdDSA')
    await rotateSecret(server.knex, id, 0, ACTOR, { keys: next.parsed })
    expect((await tokenBy(await assertionOf({}, {}, own, id))).status).toBe(401)
    expect((await server.introspect(body.access_token, api)).body).toEqual({ active: false })
    expect((await tokenBy(await assertionOf({}, {}, next, id))).status).toBe(200)
  })

  test('within an overlap both work', async () => {
    const own = await newClientKey()
    const { clientId: id } = await register([own])
    const next = await newClientKey()
    await rotateSecret(server.knex, id, 3600, ACTOR, { keys: next.parsed })
    for (const one of [own, next]) expect((await tokenBy(await assertionOf({}, {}, one, id))).status).toBe(200)
  })

  test('their last use is recorded', async () => {
    const own = await newClientKey()
    const { key: row, clientId: id } = await register([own])
    await tokenBy(await assertionOf({}, {}, own, id))
    const lastUse = async () =>
      (await server.knex('client_secrets').where({ client_id: row, kind: 'key' }).first('last_used_at')).last_used_at
    await expect.poll(lastUse).not.toBeNull()
  })

  test.each([
    ['a private key', async () => exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)],
    ['a symmetric key', async () => ({ kty: 'oct', k: 'AAAA' })],
    ['a curve that is not accepted', async () => exportJWK((await generateKeyPair('ES384')).publicKey)],
    [
      'an RSA key of 1024 bits',
      async () => ({ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 255).toString('base64url') }),
    ],
    ['a key for encryption', async () => ({ ...key.jwk, use: 'enc' })],
    ['a point that is not on its curve', async () => ({ ...key.jwk, y: key.jwk.x })],
    ['a coordinate of another length', async () => ({ ...key.jwk, x: 'A'.repeat(5000) })],
    [
      'an RSA key that zeros make long',
      async () => {
        const n = Buffer.concat([Buffer.alloc(192), Buffer.alloc(64, 255)]).toString('base64url')
        return { kty: 'RSA', e: 'AQAB', n }
      },
    ],
    [
      'an RSA key with an exponent of 65 bits',
      async () => ({ ...(await newClientKey('RS256')).jwk, e: 'AQAAAAAAAAAB' }),
    ],
    ['a key ID with a NUL', async () => ({ ...key.jwk, kid: 'a\0' })],
    ['an empty key ID', async () => ({ ...key.jwk, kid: '' })],
    ['a key without its coordinates', async () => ({ kty: 'EC', crv: 'P-256' })],
  ])('%s is not registered', async (_, make) => {
    const { parsePublicKeys } = await import('../../src/clients/client-keys.ts')
    await expect(parsePublicKeys(JSON.stringify({ keys: [await make()] }))).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  test.each(['', '[]', 'null', '{}', '{"keys":[]}', '{"keys":[1]}', '{"keys":{}}', '-----BEGIN PUBLIC KEY-----'])(
    '%j is no key set',
    async (text) => {
      const { parsePublicKeys } = await import('../../src/clients/client-keys.ts')
      await expect(parsePublicKeys(text)).rejects.toMatchObject({ code: 'invalid_input' })
    },
  )
})

test('discovery names the method and its algorithms for each endpoint', async () => {
  const { body: document } = await send(`${server.url}/.well-known/openid-configuration`)
  for (const endpoint of ['token', 'introspection', 'revocation']) {
    expect(document[`${endpoint}_endpoint_auth_methods_supported`]).toContain('private_key_jwt')
    expect([...document[`${endpoint}_endpoint_auth_signing_alg_values_supported`]].sort()).toEqual(
      ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'].sort(),
    )
  }
})

test('a copy of an assertion that is refused is no use of the key, and its sender no caller', async () => {
  const { clientId: id } = await register([key])
  const request = async (userAgent: string, assertion: string) => {
    const form = { grant_type: 'client_credentials', ...assertionForm(assertion) }
    return (await server.token(form, { headers: { 'user-agent': userAgent } })).status
  }
  const callers = (): Promise<string[]> =>
    server
      .knex('secret_callers AS k')
      .join('client_secrets AS s', 's.id', 'k.secret_id')
      .join('clients AS c', 'c.id', 's.client_id')
      .where('c.client_id', id)
      .orderBy('user_agent')
      .pluck('user_agent')
  const assertion = await assertionOf({}, {}, key, id)
  expect([await request('first/1', assertion), await request('copy/1', assertion)]).toEqual([200, 401])
  expect(await request('last/1', await assertionOf({}, {}, key, id))).toBe(200)
  await vi.waitFor(async () => expect(await callers()).toContain('last/1'), { timeout: 20_000, interval: 100 })
  expect(await callers()).toEqual(['first/1', 'last/1'])
})
