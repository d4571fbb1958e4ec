import type { JWTPayload } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Registration, ValidKey } from '../../src/clients/registration.ts'
import { verifyRequestObject } from '../../src/clients/request-objects.ts'
import { type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'

const ISSUER = 'https://issuer.example'
const CLIENT = 'kwa_client'
const NOW = Date.now()
const now = Math.floor(NOW / 1000)

let key: ClientKey
let other: ClientKey
let rsa: ClientKey

const registrationOf = (by: ClientKey, settings: Partial<Registration> = {}) =>
  ({
    clientId: CLIENT,
    fapi2: false,
    keys: [{ jwk: by.jwk, hash: by.jwk.x ?? by.jwk.n, retiresAt: null, validUntil: null } as unknown as ValidKey],
    ...settings,
  }) as Registration

const sign = async (claims: JWTPayload = {}, header = {}, by = key) => {
  const right = { sub: undefined, client_id: CLIENT, nbf: now, response_type: 'code', max_age: 60 }
  return await signAssertion(by, {
    clientId: CLIENT,
    audience: ISSUER,
    claims: { ...right, claims: { userinfo: null }, ...claims } as JWTPayload,
    header,
  })
}

const verify = (object: string, registration = registrationOf(key)) =>
  verifyRequestObject(registration, object, ISSUER, NOW)

beforeAll(async () => {
  ;[key, other, rsa] = [await newClientKey(), await newClientKey(), await newClientKey('RS256')]
})

test('has the parameters of the request, without what the JWT says about itself', async () => {
  const parameters = { client_id: CLIENT, response_type: 'code', max_age: '60', claims: '{"userinfo":null}' }
  expect(verify(await sign())).toEqual(parameters)
  expect(verify(await sign({ aud: [ISSUER] }, { typ: 'oauth-authz-req+jwt' }))).toEqual(parameters)
  expect(verify(await sign({ aud: [ISSUER, 'https://other1.example.com', 'invalid'] }))).toEqual(parameters)
})

describe('is refused', () => {
  test.each<[string, JWTPayload, object]>([
    ['another issuer', { iss: 'kwa_other' }, {}],
    ['another client ID', { client_id: 'kwa_other' }, {}],
    ['a subject', { sub: CLIENT }, {}],
    ['another audience', { aud: 'https://other.example' }, {}],
    ['two other audiences', { aud: ['https://one.example', 'https://other.example'] }, {}],
    ['no audience', { aud: undefined }, {}],
    ['no expiry', { exp: undefined }, {}],
    ['an expiry in the past', { exp: now - 60 }, {}],
    ['an expiry 61 minutes after nbf', { exp: now + 3660 }, {}],
    ['an nbf in the future', { nbf: now + 60 }, {}],
    ['an nbf 61 minutes ago', { nbf: now - 3660, exp: now + 60 }, {}],
    ['a request within', { request: 'x' }, {}],
    ['a request_uri within', { request_uri: 'https://x.example' }, {}],
    ['the type of a client assertion', {}, { typ: 'client-authentication+jwt' }],
  ])('with %s', async (_, claims, header) => {
    const object = await sign(claims, header).catch(() => 'unsignable')
    expect(() => verify(object)).toThrow()
  })

  test('signed by another client, by none, or by HMAC', async () => {
    const object = await sign({}, {}, other)
    expect(() => verify(object)).toThrow('no current key')
    const [, payload] = (await sign()).split('.')
    for (const alg of ['none', 'HS256']) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      for (const signature of ['', 'AAAA']) {
        const forged = `${header}.${payload}.${signature}`
        expect(() => verify(forged)).toThrow()
      }
    }
  })

  test('for FAPI 2.0, signed by RS256 or without nbf', async () => {
    const object = await sign({}, {}, rsa)
    expect(verify(object, registrationOf(rsa))).toMatchObject({ client_id: CLIENT })
    expect(() => verify(object, registrationOf(rsa, { fapi2: true }))).toThrow('RS256')
    const undated = await sign({ nbf: undefined })
    expect(verify(undated)).toMatchObject({ client_id: CLIENT })
    expect(() => verify(undated, registrationOf(key, { fapi2: true }))).toThrow('nbf')
  })
})
