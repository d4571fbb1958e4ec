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

/** Without status lists; what they add has files of its own. */
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

it('a good token is described', async () => {
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

describe('a token that is not one of this API is refused', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['with its media type whole', {}, { typ: 'application/at+jwt' }, 'accepted'],
    ['of the type JWT', {}, { typ: 'JWT' }, 'accepted'],
    ['as an ID token', { client_id: undefined, jti: undefined }, { typ: undefined }, 'token_invalid'],
    ['as an ID token of the type JWT', { client_id: undefined, jti: undefined }, { typ: 'JWT' }, 'token_invalid'],
    ['as a status list', {}, { typ: 'statuslist+jwt' }, 'token_invalid'],
    ['as a logout token', {}, { typ: 'logout+jwt' }, 'token_invalid'],
    ['without a type', {}, { typ: undefined }, 'token_invalid'],
    ['of a key that is not there', {}, { kid: 'two' }, 'token_invalid'],
    ['of another issuer', { iss: 'https://other.example' }, {}, 'token_invalid'],
    ['of nearly the same issuer', { iss: undefined }, {}, 'token_invalid'],
    ['for another API', { aud: 'https://api.example.com/v2' }, {}, 'token_invalid'],
    ['for several APIs of which this is one', { aud: ['x', AUDIENCE] }, {}, 'accepted'],
    ['for nobody', { aud: undefined }, {}, 'token_invalid'],
    ['when it has expired', { exp: seconds() - 31 }, {}, 'token_expired'],
    ['within the tolerance', { exp: seconds() - 20 }, {}, 'accepted'],
    ['when it never expires', { exp: undefined }, {}, 'token_invalid'],
    ['when it is not valid yet', { nbf: seconds() + 60 }, {}, 'token_not_yet_valid'],
    ['when it is of the future', { iat: seconds() + 60 }, {}, 'token_not_yet_valid'],
    ['without a time', { iat: undefined }, {}, 'token_invalid'],
    ['without a subject', { sub: undefined }, {}, 'token_invalid'],
    ['with an empty subject', { sub: '' }, {}, 'token_invalid'],
    ['without a client', { client_id: undefined }, {}, 'token_invalid'],
    ['with a client that is no text', { client_id: 5 }, {}, 'token_invalid'],
    ['without an id', { jti: undefined }, {}, 'token_invalid'],
    ['bound to what is unknown here', { cnf: { 'x5t#S256': 'abc' } }, {}, 'confirmation_unsupported'],
    ['bound to nothing', { cnf: 5 }, {}, 'token_invalid'],
    ['bound to null', { cnf: null }, {}, 'token_invalid'],
  ])('%s', async (_name, claims, header, outcome) => {
    expect(await ask(bearer(await issuer.token(claims, header)))).toBe(outcome)
  })

  it('when somebody else signed it, or nobody', async () => {
    expect(await ask(bearer(await issuer.token({}, {}, issuer.stranger)))).toBe('token_invalid')
    const unsigned = new UnsecuredJWT({ iss: issuer.url, aud: AUDIENCE }).encode()
    expect(await ask(bearer(unsigned))).toBe('token_malformed')
    expect(await ask(bearer(`${unsigned}AAAA`))).toBe('token_invalid')
  })

  it('when it was changed', async () => {
    const [header, , signature] = (await issuer.token()).split('.')
    const [, claims] = (await issuer.token({ scope: 'admin' })).split('.')
    expect(await ask(bearer(`${header}.${claims}.${signature}`))).toBe('token_invalid')
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
  ])('%j is %s', async (authorization, outcome) => {
    expect(await ask({ authorization })).toBe(outcome)
  })

  it('that is none is told so', async () => {
    expect(await ask({})).toBe('token_missing')
  })
})

describe('scopes', () => {
  it.each<[unknown, string[], string]>([
    ['read write', ['read'], 'accepted'],
    ['read write', ['write', 'read'], 'accepted'],
    ['read', ['read', 'write'], 'insufficient_scope'],
    ['reader', ['read'], 'insufficient_scope'],
    ['', ['read'], 'insufficient_scope'],
    [undefined, ['read'], 'insufficient_scope'],
    [['read'], ['read'], 'insufficient_scope'],
    [undefined, [], 'accepted'],
  ])('%j where %j is needed: %s', async (scope, requiredScopes, outcome) => {
    expect(await ask(bearer(await issuer.token({ scope })), { requiredScopes })).toBe(outcome)
  })
})

describe('keys that cannot be had', () => {
  it('are not the caller’s fault', async () => {
    const token = await issuer.token()
    issuer.settings.jwksDown = true
    expect(await ask(bearer(token))).toBe('keys_unavailable')
    issuer.settings.jwksDown = false
    expect(await ask(bearer(token), { jwksUri: 'http://127.0.0.1:1/jwks' })).toBe('keys_unavailable')
    expect(await ask(bearer(token), { jwksUri: `${issuer.url}/nothing` })).toBe('keys_unavailable')
  })
})

describe('keys', () => {
  const PATH = '/oauth2/jwks'

  /** A server and a verifier of their own, by a clock that is moved by hand. */
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

  it('that are new are looked for, but not each time that somebody makes one up', async () => {
    const { clock, own, outcome } = await rotating()
    const next = await makeKey('two')
    expect(await outcome()).toBe('accepted')
    expect(await together(50, () => outcome(next))).toEqual(Array(50).fill('token_invalid'))
    expect(own.count(PATH)).toBe(1)
    own.settings.jwks = [own.key.jwk, next.jwk]
    clock.advance(31_000)
    expect(await together(50, () => outcome(next))).toEqual(Array(50).fill('accepted'))
    expect(own.count(PATH)).toBe(2)
    await own.close()
  })

  it('that were withdrawn are so within twenty minutes, and nobody waits while that goes on', async () => {
    const { clock, own, outcome } = await rotating()
    expect(await outcome()).toBe('accepted')
    own.settings.jwks = []
    clock.advance(601_000)
    expect(await outcome()).toBe('accepted')
    await until(() => own.count(PATH) === 2)
    await until(async () => (await outcome()) === 'token_invalid')
    own.settings.jwks = [own.key.jwk]
    clock.advance(31_000)
    expect(await outcome()).toBe('accepted')
    own.settings.jwks = []
    clock.advance(1_201_000)
    expect(await outcome()).toBe('token_invalid')
    await own.close()
  })

  it('that were had once serve for a day without the server, and no request waits for it each time', async () => {
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

describe('a token that comes with an API key', () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('base64url')

  it.each<[string, Headers, string]>([
    ['the key', { 'x-api-key': 'kwx_key' }, 'accepted'],
    ['no key', {}, 'api_key_missing'],
    ['another key', { 'x-api-key': 'kwx_kez' }, 'api_key_wrong'],
    ['half the key', { 'x-api-key': 'kwx_' }, 'api_key_wrong'],
    ['the key twice', { 'x-api-key': ['kwx_key', 'kwx_key'] }, 'api_key_wrong'],
  ])('and %s', async (_name, headers, outcome) => {
    const token = await issuer.token({ cnf: { 'x-api-key#S256': hash('kwx_key') } })
    expect(await ask({ ...bearer(token), ...headers })).toBe(outcome)
  })

  it('and a key bound to it needs both', async () => {
    const token = await issuer.token({ cnf: { 'x-api-key#S256': hash('kwx_key'), jkt: prover.jkt } })
    expect(await ask({ ...bearer(token), 'x-api-key': 'kwx_key' })).toBe('dpop_required')
    expect(await ask({ authorization: `DPoP ${token}` })).toBe('api_key_missing')
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

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['good', {}, {}, 'accepted'],
    ['for the address with its query', { htu: `${HTU}?a=b` }, {}, 'accepted'],
    [
      'for the address in capitals and with its port',
      { htu: 'HTTPS://API.example.com:443/v1/weather' },
      {},
      'accepted',
    ],
    ['for another address', { htu: 'https://api.example.com/v1/other' }, {}, 'dpop_invalid'],
    ['for another server', { htu: 'https://evil.example/v1/weather' }, {}, 'dpop_invalid'],
    ['for no address', { htu: 5 }, {}, 'dpop_invalid'],
    ['for another method', { htm: 'POST' }, {}, 'dpop_invalid'],
    ['for another token', { ath: ath('x') }, {}, 'dpop_invalid'],
    ['for no token', { ath: undefined }, {}, 'dpop_invalid'],
    ['too old', { iat: seconds() - 200 }, {}, 'dpop_invalid'],
    ['of the future', { iat: seconds() + 200 }, {}, 'dpop_invalid'],
    ['of no time', { iat: undefined }, {}, 'dpop_invalid'],
    ['without an id', { jti: undefined }, {}, 'dpop_invalid'],
    ['with an id that is no text', { jti: 5 }, {}, 'dpop_invalid'],
    ['with an endless id', { jti: 'j'.repeat(300) }, {}, 'dpop_invalid'],
    ['of another type', {}, { typ: 'JWT' }, 'dpop_invalid'],
    ['without its key', {}, { jwk: undefined }, 'dpop_invalid'],
  ])('with a proof that is %s', async (_name, claims, header, outcome) => {
    expect(await shown(claims, header)).toBe(outcome)
  })

  it('with a proof by another key, one that is no proof, several, or none', async () => {
    expect(await shown({}, {}, await makeProver())).toBe('dpop_invalid')
    const token = await bound()
    const authorization = `DPoP ${token}`
    const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token) })
    expect(await ask({ authorization, dpop: 'a.b.c' })).toBe('dpop_invalid')
    expect(await ask({ authorization, dpop: [dpop, dpop] })).toBe('dpop_invalid')
    expect(await ask({ authorization })).toBe('dpop_invalid')
  })

  it('is not taken as Bearer, and an unbound one not as DPoP', async () => {
    expect(await ask(bearer(await bound()))).toBe('dpop_required')
    expect(await ask({ authorization: `DPoP ${await issuer.token()}` })).toBe('dpop_not_bound')
  })

  it('takes each proof once, whoever comes at the same time', async () => {
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

  it('remembers no more proofs than it was told to, and refuses the rest rather than forget one', async () => {
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

  it('forgets none because the clock was set ahead and back again', async () => {
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

  it('asks a memory of several processes where there is one', async () => {
    const shownBefore = new Set<string>()
    const remember = async (proof: string) => !shownBefore.has(proof) && Boolean(shownBefore.add(proof))
    const token = await bound()
    const dpop = await prover.proof({ htm: 'GET', htu: HTU, ath: ath(token) })
    const headers = { authorization: `DPoP ${token}`, dpop }
    expect(await ask(headers, { dpop: { remember } })).toBe('accepted')
    expect(await ask(headers, { dpop: { remember } })).toBe('dpop_replayed')
  })
})

describe('options that are wrong are all told at once', () => {
  it('before anything is asked', () => {
    const wrong = {
      issuer: 'http://auth.example.com',
      audience: [],
      algorithms: ['HS256'],
      clockTolerance: -1,
      statusList: { onUnknown: 'perhaps' as 'refuse', maxAge: Number.NaN, feed: { clientId: 'a', clientSecret: '' } },
    }
    expect(() => createVerifier(wrong)).toThrow(
      expect.objectContaining({
        faults: [
          'issuer is not an https: URL (allowHttp: true takes http: too)',
          'audience is empty',
          'algorithms are not signatures',
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
