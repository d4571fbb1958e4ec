import { createHash } from 'node:crypto'
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VerifierOptions } from '../../packages/resource-server/src/options.ts'
import { createVerifier } from '../../packages/resource-server/src/verifier.ts'
import { together, until } from '../support/load.ts'
import { AUDIENCE, type FakeIssuer, handClock, makeKey, makeProver, startFakeIssuer } from './fake-issuer.ts'

let issuer: FakeIssuer
let prover: Awaited<ReturnType<typeof makeProver>>

beforeAll(async () => {
  issuer = await startFakeIssuer()
  prover = await makeProver()
})
afterAll(() => issuer.close())

type Headers = Record<string, string | string[]>

/** Without status lists, which have their own test files. */
const make = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: false, ...options })

const ask = async (headers: Headers, options?: Partial<VerifierOptions>, request = {}) =>
  await make(options)
    .verify({ headers, method: 'GET', url: 'https://api.example.com/v1/weather?city=Bern', ...request })
    .then(
      () => 'accepted',
      (error) => error.code as string,
    )

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const seconds = () => Math.floor(Date.now() / 1000)

it('a valid access token is returned with its claims', async () => {
  const token = await issuer.token({ sub: 'u1', jti: 'j1' })
  const verified = await make({ requiredScopes: ['read'] }).verify({ headers: new Headers(bearer(token)) })
  expect(verified).toMatchObject({
    issuer: issuer.url,
    subject: 'u1',
    clientId: 'kwk_app',
    audience: [AUDIENCE],
    scopes: ['read', 'write'],
    id: 'j1',
    status: 'unknown',
    claims: { sub: 'u1' },
  })
  expect(verified.expiresAt - verified.issuedAt).toBe(3600)
})

it.each([
  [undefined, []],
  [{ sub: 'agent' }, ['agent']],
  [{ sub: 'agent', act: { sub: 'service' } }, ['agent', 'service']],
  ['agent', []],
  [null, []],
  [{ act: { sub: 7 } }, []],
])('the actors of a token that was exchanged: %j', async (act, actors) => {
  const token = await issuer.token({ act })
  expect((await make().verify({ headers: new Headers(bearer(token)) })).actors).toEqual(actors)
})

describe('an access token', () => {
  it.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ['with the full media type', 'accepted', {}, { typ: 'application/at+jwt' }],
    ['of the type JWT', 'accepted', {}, { typ: 'JWT' }],
    ['that is an ID token', 'not_an_access_token', { client_id: undefined, jti: undefined }, { typ: undefined }],
    ['that is an ID token of the type JWT', 'token_invalid', { client_id: undefined, jti: undefined }, { typ: 'JWT' }],
    ['that is a status list', 'not_an_access_token', {}, { typ: 'statuslist+jwt' }],
    ['that is a logout token', 'not_an_access_token', {}, { typ: 'logout+jwt' }],
    ['without a type', 'not_an_access_token', {}, { typ: undefined }],
    ['of an unknown key', 'not_signed_by_issuer', {}, { kid: 'two' }],
    ['of another issuer', 'not_signed_by_issuer', { iss: 'https://other.example' }, {}],
    ['without an issuer', 'token_invalid', { iss: undefined }, {}],
    ['for another API', 'wrong_audience', { aud: 'https://api.example.com/v2' }, {}],
    ['for several APIs including this one', 'accepted', { aud: ['x', AUDIENCE] }, {}],
    ['without an audience', 'token_invalid', { aud: undefined }, {}],
    ['that has expired', 'token_expired', { exp: seconds() - 31 }, {}],
    ['that has expired within the tolerance', 'accepted', { exp: seconds() - 20 }, {}],
    ['without exp', 'token_invalid', { exp: undefined }, {}],
    ['that is not valid yet', 'token_not_yet_valid', { nbf: seconds() + 60 }, {}],
    ['that was issued in the future', 'token_not_yet_valid', { iat: seconds() + 60 }, {}],
    ['without iat', 'token_invalid', { iat: undefined }, {}],
    ['without a subject', 'token_invalid', { sub: undefined }, {}],
    ['with an empty subject', 'token_invalid', { sub: '' }, {}],
    ['without a client ID', 'token_invalid', { client_id: undefined }, {}],
    ['with a client ID that is not a string', 'token_invalid', { client_id: 5 }, {}],
    ['without jti', 'token_invalid', { jti: undefined }, {}],
    ['with an unknown confirmation', 'confirmation_unsupported', { cnf: { 'x5t#S512': 'abc' } }, {}],
    ['with a confirmation that is a number', 'token_invalid', { cnf: 5 }, {}],
    ['with a confirmation that is null', 'token_invalid', { cnf: null }, {}],
  ])('%s: %s', async (_name, outcome, claims, header) => {
    expect(await ask(bearer(await issuer.token(claims, header)))).toBe(outcome)
  })

  it('with the signature of another key, or with none, is rejected', async () => {
    expect(await ask(bearer(await issuer.token({}, {}, issuer.otherKey)))).toBe('not_signed_by_issuer')
    const unsigned = new UnsecuredJWT({ iss: issuer.url, aud: AUDIENCE }).encode()
    expect(await ask(bearer(unsigned))).toBe('token_malformed')
    expect(await ask(bearer(`${unsigned}AAAA`))).toBe('token_invalid')
  })

  it('that was modified is rejected', async () => {
    const [header, , signature] = (await issuer.token()).split('.')
    const [, claims] = (await issuer.token({ scope: 'admin' })).split('.')
    expect(await ask(bearer(`${header}.${claims}.${signature}`))).toBe('not_signed_by_issuer')
  })
})

describe('the rejection of a token', () => {
  const rejection = async (token: string, options = {}) =>
    await make(options)
      .verify({ headers: bearer(token) })
      .catch(({ code, tokenId }) => ({ code, tokenId }))

  it.each<[string, Record<string, unknown>, Partial<VerifierOptions>]>([
    ['token_expired', { exp: 1 }, {}],
    ['token_not_yet_valid', { iat: seconds() + 600 }, {}],
    ['wrong_audience', { aud: 'https://api.example.com/v2' }, {}],
    ['insufficient_scope', { scope: 'read' }, { requiredScopes: ['write'] }],
    ['status_missing', {}, { statusList: {} }],
  ])('%s names the jti of the token, which the operator of the issuer can look up', async (code, claims, options) => {
    expect(await rejection(await issuer.token({ jti: 'j1', ...claims }), options)).toEqual({ code, tokenId: 'j1' })
  })

  it('not_signed_by_issuer names no jti, because the token could contain any', async () => {
    const forged = await issuer.token({ jti: 'j1' }, {}, issuer.otherKey)
    expect(await rejection(forged)).toEqual({ code: 'not_signed_by_issuer', tokenId: undefined })
    const foreign = await issuer.token({ jti: 'j1', iss: 'https://other.example' })
    expect(await rejection(foreign)).toEqual({ code: 'not_signed_by_issuer', tokenId: undefined })
  })
})

describe('an Authorization header', () => {
  it.each([
    ['', 'token_missing'],
    ['Basic YTpi', 'token_missing'],
    ['Bearer', 'token_malformed'],
    ['Bearer ', 'token_malformed'],
    ['Bearer a b', 'token_malformed'],
    ['Bearer a.b', 'token_malformed'],
    ['Bearer a.b.c, Bearer d.e.f', 'token_malformed'],
    [`Bearer a.b.${'c'.repeat(20_000)}`, 'token_malformed'],
    ['Bearer a.b.c', 'token_invalid'],
    ['Bearer a.b.c\0', 'token_malformed'],
    ['bearer   a.b.c', 'token_invalid'],
  ])('%j: %s', async (authorization, outcome) => {
    expect(await ask({ authorization })).toBe(outcome)
  })

  it('that is missing: token_missing', async () => {
    expect(await ask({})).toBe('token_missing')
  })
})

describe('required scopes', () => {
  it.each<[unknown, string[], string]>([
    ['read write', ['read'], 'accepted'],
    ['read write', ['write', 'read'], 'accepted'],
    ['read', ['read', 'write'], 'insufficient_scope'],
    ['reader', ['read'], 'insufficient_scope'],
    ['', ['read'], 'insufficient_scope'],
    [undefined, ['read'], 'insufficient_scope'],
    [['read'], ['read'], 'insufficient_scope'],
    [undefined, [], 'accepted'],
  ])('a token with the scope %j where %j is required: %s', async (scope, requiredScopes, outcome) => {
    expect(await ask(bearer(await issuer.token({ scope })), { requiredScopes })).toBe(outcome)
  })
})

describe('keys that are unavailable', () => {
  it('are reported as keys_unavailable', async () => {
    const token = await issuer.token()
    issuer.settings.jwksDown = true
    expect(await ask(bearer(token))).toBe('keys_unavailable')
    issuer.settings.jwksDown = false
    expect(await ask(bearer(token), { jwksUri: 'http://127.0.0.1:1/jwks' })).toBe('keys_unavailable')
    expect(await ask(bearer(token), { jwksUri: `${issuer.url}/nothing` })).toBe('keys_unavailable')
  })
})

describe('the key set', () => {
  const PATH = '/oauth2/jwks'

  /** An issuer and a verifier with a manual clock. */
  async function rotating() {
    const clock = handClock()
    const own = await startFakeIssuer(clock)
    const verifier = createVerifier({ issuer: own.url, audience: AUDIENCE, statusList: false }, clock)
    const outcome = async (signer = own.key) => {
      const token = await own.token({}, {}, signer)
      return await verifier.verify({ headers: bearer(token) }).then(
        () => 'accepted',
        (error) => error.code as string,
      )
    }
    return { clock, own, outcome }
  }

  it('is fetched for an unknown kid, but not for each one', async () => {
    const { clock, own, outcome } = await rotating()
    const next = await makeKey('two')
    expect(await outcome()).toBe('accepted')
    expect(await together(50, () => outcome(next))).toEqual(Array(50).fill('not_signed_by_issuer'))
    expect(own.count(PATH)).toBe(1)
    own.settings.jwks = [own.key.jwk, next.jwk]
    clock.advance(31_000)
    expect(await together(50, () => outcome(next))).toEqual(Array(50).fill('accepted'))
    expect(own.count(PATH)).toBe(2)
    await own.close()
  })

  it('drops a withdrawn key within twenty minutes, and is fetched in the background', async () => {
    const { clock, own, outcome } = await rotating()
    expect(await outcome()).toBe('accepted')
    own.settings.jwks = []
    clock.advance(601_000)
    expect(await outcome()).toBe('accepted')
    await until(() => own.count(PATH) === 2)
    await until(async () => (await outcome()) === 'not_signed_by_issuer')
    own.settings.jwks = [own.key.jwk]
    clock.advance(31_000)
    expect(await outcome()).toBe('accepted')
    own.settings.jwks = []
    clock.advance(1_201_000)
    expect(await outcome()).toBe('not_signed_by_issuer')
    await own.close()
  })

  it('stays in use for a day while the server is down, and verifications do not wait for it', async () => {
    const { clock, own, outcome } = await rotating()
    expect(await outcome()).toBe('accepted')
    own.settings.jwksDown = true
    clock.advance(86_000_000)
    expect(await together(50, () => outcome())).toEqual(Array(50).fill('accepted'))
    expect(await outcome(await makeKey('two'))).toBe('keys_unavailable')
    expect(own.count(PATH)).toBe(2)
    clock.advance(401_000)
    expect(await outcome()).toBe('keys_unavailable')
    await own.close()
  })
})

describe('a token that is bound to an API key', () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('base64url')

  it.each<[string, string, Headers]>([
    ['with the API key', 'accepted', { 'x-api-key': 'kwx_key' }],
    ['without an API key', 'api_key_missing', {}],
    ['with another API key', 'api_key_wrong', { 'x-api-key': 'kwx_kez' }],
    ['with a part of the API key', 'api_key_wrong', { 'x-api-key': 'kwx_' }],
    ['with the API key twice', 'api_key_wrong', { 'x-api-key': ['kwx_key', 'kwx_key'] }],
  ])('%s: %s', async (_name, outcome, headers) => {
    const token = await issuer.token({ cnf: { 'x-api-key#S256': hash('kwx_key') } })
    expect(await ask({ ...bearer(token), ...headers })).toBe(outcome)
  })

  it('and to a DPoP key needs both', async () => {
    const token = await issuer.token({ cnf: { 'x-api-key#S256': hash('kwx_key'), jkt: prover.jkt } })
    expect(await ask({ ...bearer(token), 'x-api-key': 'kwx_key' })).toBe('dpop_required')
    expect(await ask({ authorization: `DPoP ${token}` })).toBe('api_key_missing')
  })
})

describe('a token bound to a client certificate', () => {
  const der = Buffer.from('only the hash of a certificate counts')
  const base64 = der.toString('base64')
  const pem = encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`)
  const other = Buffer.from('another one').toString('base64')
  const header = { certificateHeader: 'X-Client-Cert' }
  const bound = () => issuer.token({ cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') } })

  it.each<[string, string, string | string[] | undefined]>([
    ['in the form of nginx', 'accepted', pem],
    ['in the form of HAProxy and Caddy', 'accepted', base64],
    ['in the form of RFC 9440', 'accepted', `:${base64}:`],
    ['in the form of Envoy', 'accepted', `Hash=00;Cert="${pem}";Subject="CN=a,Cert=b;Cert=c"`],
    ['of another client', 'certificate_wrong', other],
    ['that is missing', 'certificate_missing', undefined],
    ['that is empty', 'certificate_missing', ''],
    ["that is Caddy's placeholder", 'certificate_missing', '{http.request.tls.client.certificate_der_base64}'],
    ['that is missing in the form of Envoy', 'certificate_missing', 'Hash=00;Subject="a;Cert=b"'],
    ['given twice', 'certificate_wrong', [base64, base64]],
    ['in one of two elements of Envoy', 'certificate_wrong', `Cert="${pem}",Hash=00`],
    ['given twice in one element of Envoy', 'certificate_wrong', `Cert="${pem}";Cert="${pem}"`],
    ['twice in one PEM', 'certificate_wrong', pem + pem],
    ['that is malformed', 'certificate_wrong', '-----BEGIN%'],
    ['that is no certificate', 'certificate_wrong', 'yes, it is'],
    ['of 12,001 characters', 'certificate_wrong', 'A'.repeat(12_001)],
  ])('with a header %s: %s', async (_name, outcome, value) => {
    const headers = { ...bearer(await bound()), ...(value !== undefined && { 'x-client-cert': value }) }
    expect(await ask(headers, header)).toBe(outcome)
  })

  it('needs the certificate of the connection where no header is configured, and ignores headers', async () => {
    const token = bearer(await bound())
    expect(await ask({ ...token, 'x-client-cert': base64, 'client-cert': base64 })).toBe('certificate_missing')
    expect(await ask(token, {}, { certificate: der })).toBe('accepted')
    expect(await ask(token, {}, { certificate: Buffer.from('another one') })).toBe('certificate_wrong')
    expect(await ask(token, {}, { certificate: new Uint8Array() })).toBe('certificate_missing')
    expect(await ask(token, header, { certificate: der })).toBe('certificate_missing')
  })

  it('is malformed if the binding is no text', async () => {
    const token = await issuer.token({ cnf: { 'x5t#S256': 5 } })
    expect(await ask({ ...bearer(token), 'x-client-cert': base64 }, header)).toBe('certificate_wrong')
  })
})

describe('a token bound to a key (DPoP)', () => {
  const HTU = 'https://api.example.com/v1/weather'
  const ath = (token: string) => createHash('sha256').update(token).digest('base64url')
  const bound = () => issuer.token({ cnf: { jkt: prover.jkt } })

  async function shown(claims: Record<string, unknown>, header = {}, by = prover): Promise<string> {
    const token = await bound()
    const dpop = await by.proof({ htm: 'GET', htu: HTU, ath: ath(token), ...claims }, header)
    return await ask({ authorization: `DPoP ${token}`, dpop })
  }

  it.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ['that is valid', 'accepted', {}, {}],
    ['for the URL with its query', 'accepted', { htu: `${HTU}?a=b` }, {}],
    ['for the URL in capitals and with its port', 'accepted', { htu: 'HTTPS://API.example.com:443/v1/weather' }, {}],
    ['for another URL', 'dpop_invalid', { htu: 'https://api.example.com/v1/other' }, {}],
    ['for another host', 'dpop_invalid', { htu: 'https://evil.example/v1/weather' }, {}],
    ['for a number as URL', 'dpop_invalid', { htu: 5 }, {}],
    ['for another method', 'dpop_invalid', { htm: 'POST' }, {}],
    ['for another token', 'dpop_invalid', { ath: ath('x') }, {}],
    ['without a token hash', 'dpop_invalid', { ath: undefined }, {}],
    ['that is too old', 'dpop_invalid', { iat: seconds() - 200 }, {}],
    ['from the future', 'dpop_invalid', { iat: seconds() + 200 }, {}],
    ['without iat', 'dpop_invalid', { iat: undefined }, {}],
    ['without jti', 'dpop_invalid', { jti: undefined }, {}],
    ['with a jti that is not a string', 'dpop_invalid', { jti: 5 }, {}],
    ['with a jti that is too long', 'dpop_invalid', { jti: 'j'.repeat(300) }, {}],
    ['of another type', 'dpop_invalid', {}, { typ: 'JWT' }],
    ['without its public key', 'dpop_invalid', {}, { jwk: undefined }],
  ])('and a proof %s: %s', async (_name, outcome, claims, header) => {
    expect(await shown(claims, header)).toBe(outcome)
  })

  it('needs exactly one proof, signed with its key', async () => {
    expect(await shown({}, {}, await makeProver())).toBe('dpop_invalid')
    const token = await bound()
    const authorization = `DPoP ${token}`
    const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token) })
    expect(await ask({ authorization, dpop: 'a.b.c' })).toBe('dpop_invalid')
    expect(await ask({ authorization, dpop: [dpop, dpop] })).toBe('dpop_invalid')
    expect(await ask({ authorization })).toBe('dpop_invalid')
  })

  it('is rejected with the Bearer scheme, and an unbound one with the DPoP scheme', async () => {
    expect(await ask(bearer(await bound()))).toBe('dpop_required')
    expect(await ask({ authorization: `DPoP ${await issuer.token()}` })).toBe('dpop_not_bound')
  })

  it('accepts each proof once, also concurrently', async () => {
    const verifier = make()
    const token = await bound()
    const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token) })
    const request = { headers: { authorization: `DPoP ${token}`, dpop }, method: 'GET', url: HTU }
    const outcomes = await together(20, () =>
      verifier.verify(request).then(
        () => 'accepted',
        (error) => error.code,
      ),
    )
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'dpop_replayed')).toHaveLength(19)
  })

  it('records at most maxProofs proofs and rejects further ones', async () => {
    const clock = handClock()
    const options = { issuer: issuer.url, audience: AUDIENCE, statusList: false as const, dpop: { maxProofs: 3 } }
    const verifier = createVerifier(options, clock)
    const token = await bound()
    async function show() {
      const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token), iat: Math.floor(clock.wall() / 1000) })
      const headers = { authorization: `DPoP ${token}`, dpop }
      return await verifier.verify({ headers, method: 'GET', url: HTU }).then(
        () => 'accepted',
        (error) => error.code,
      )
    }
    expect([await show(), await show(), await show(), await show()]).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'dpop_overloaded',
    ])
    clock.advance(91_000)
    expect(await show()).toBe('accepted')
  })

  it('keeps its proofs recorded when the clock is set ahead and back again', async () => {
    const clock = handClock()
    const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: false }, clock)
    const token = await bound()
    const proofNow = () => prover.proof({ htm: 'GET', htu: HTU, ath: ath(token), iat: Math.floor(clock.wall() / 1000) })
    const show = (dpop: string) =>
      verifier.verify({ headers: { authorization: `DPoP ${token}`, dpop }, method: 'GET', url: HTU }).then(
        () => 'accepted',
        (error) => error.code,
      )
    const first = await proofNow()
    expect(await show(first)).toBe('accepted')
    clock.set(300_000)
    expect(await show(await proofNow())).toBe('accepted')
    clock.set(-300_000)
    expect(await show(first)).toBe('dpop_replayed')
  })

  it('records its proofs with recordProof if that is set', async () => {
    const recorded = new Set<string>()
    const recordProof = async (proof: string) => !recorded.has(proof) && Boolean(recorded.add(proof))
    const token = await bound()
    const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token) })
    const headers = { authorization: `DPoP ${token}`, dpop }
    expect(await ask(headers, { dpop: { recordProof } })).toBe('accepted')
    expect(await ask(headers, { dpop: { recordProof } })).toBe('dpop_replayed')
  })
})

describe('invalid options', () => {
  it('are reported all at once when the verifier is created', () => {
    const wrong = {
      issuer: 'http://auth.example.com',
      audience: [],
      algorithms: ['HS256'],
      clockTolerance: -1,
      statusList: { onUnknown: 'perhaps' as 'refuse', maxAge: Number.NaN, feed: { clientId: 'a', clientSecret: '' } },
    }
    expect(() => createVerifier(wrong)).toThrow(
      expect.objectContaining({
        errors: [
          'issuer is not an https: URL (allowHttp: true also accepts http:)',
          'audience is empty',
          'algorithms are not asymmetric signature algorithms',
          'clockTolerance is not a number from 0 to 600',
          'statusList.onUnknown is not refuse or accept',
          'statusList.maxAge is not a number from 1 to 2678400',
          'statusList.feed lacks clientId or clientSecret',
        ],
      }),
    )
    expect(() => createVerifier({ issuer: 'nonsense', audience: '' })).toThrow('issuer is not a URL; audience is empty')
    expect(createVerifier({ issuer: 'http://auth.example.com', audience: 'a', allowHttp: true }).settings.jwksUri).toBe(
      'http://auth.example.com/oauth2/jwks',
    )
  })
})
