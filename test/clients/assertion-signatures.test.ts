/** Signatures of client assertions (RFC 7515; RFC 7518, section 3; RFC 8037, section 3.1; RFC 8725, section 3). */
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { claimsOf, isSignedBy, readSignedAssertion } from '../../src/clients/assertion-signatures.ts'
import { hasUsualSize } from '../../src/clients/client-keys.ts'

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })

const HALVES = { dsaEncoding: 'ieee-p1363' } as const
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }

const jwkOf = (publicKey: KeyObject, more: JWK = {}) => ({ ...publicKey.export({ format: 'jwk' }), ...more }) as JWK

let ids = 0
const validKey = (jwk: JWK) => ({ hash: `key ${++ids}`, jwk })

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const CLAIMS = { sub: 'kwc_x', jti: '?>~ÿ' }

/** An assertion whose signature `signer` makes of what it covers. */
function assertionOf(header: unknown, signer: (data: Buffer) => Buffer, payload = part(CLAIMS)): string {
  const signed = `${part(header)}.${payload}`
  return `${signed}.${signer(Buffer.from(signed)).toString('base64url')}`
}

const byEs256 = (data: Buffer) => sign('sha256', data, { key: p256.privateKey, ...HALVES })
const byRs256 = (data: Buffer) => sign('sha256', data, rsa.privateKey)
const byPs256 = (data: Buffer) => sign('sha256', data, { key: rsa.privateKey, ...PSS })
const byEd25519 = (data: Buffer) => sign(null, data, ed25519.privateKey)

const ec = validKey(jwkOf(p256.publicKey))
const edwards = validKey(jwkOf(ed25519.publicKey))
const ofRsa = validKey(jwkOf(rsa.publicKey))

describe('a signature', () => {
  test.each([
    ['ES256', ec, byEs256],
    ['RS256', ofRsa, byRs256],
    ['PS256', ofRsa, byPs256],
    ['EdDSA', edwards, byEd25519],
    ['Ed25519', edwards, byEd25519],
  ] as const)('of %s is accepted, and not by another key or over another text', (alg, key, signer) => {
    const assertion = assertionOf({ alg }, signer)
    expect(isSignedBy(key, readSignedAssertion(assertion))).toBe(true)
    expect(claimsOf(readSignedAssertion(assertion))).toEqual(CLAIMS)
    for (const other of [ec, edwards, ofRsa].filter((one) => one !== key)) {
      expect(isSignedBy(other, readSignedAssertion(assertion))).toBe(false)
    }
    const [header, , signature] = assertion.split('.')
    const changed = `${header}.${part({ ...CLAIMS, sub: 'kwc_y' })}.${signature}`
    expect(isSignedBy(key, readSignedAssertion(changed))).toBe(false)
    const short = assertion.slice(0, -4)
    expect(isSignedBy(key, readSignedAssertion(short))).toBe(false)
    expect(isSignedBy(key, readSignedAssertion(`${assertion}AAAA`))).toBe(false)
    expect(isSignedBy(key, readSignedAssertion(`${header}.${part(CLAIMS)}.`))).toBe(false)
  })

  // Of an ES256 signature the halves have a fixed length, and OpenSSL reads DER integers, which have no leading zeros.
  test.each([
    ['high', 'vgttsvCpsRNKb7htMbVTxcprk5Qd6YPUFtcvPhFq4orDFsTAuLSjTYFthzGKxNc4cxZzI1ImNajYZeli2wXGNQ'],
    ['low', 'HZKfK54Ys3EVs4M108dmpD-Bt2YMcM90LI0jIlkePnVkz0lFXnNZhEWdoTW2HlHW7MyiP1R_CioFIHK0UFlz-A'],
    ['zero, then high', 'ANh_yNYqCRyXuwITQVnvvne9ArcXqGxKWIKSQSQuhP2smjdWm_nAvUzPyhn01ghFWeolVk5bA-G9TCXm-S0MbA'],
    [
      'zero in the first half',
      'AB88okV5o60S_Hz9itOeSYaBM0yVmRa6_BkBssiUFGMZGk5mTk05z8WMUZSTTvOfisdJl6ho1_peYKhV4Md5GQ',
    ],
    [
      'zero in the second half',
      'yyCNX6oYeHYiojjdr0rCRclTFdJLDPwnUEW4RjvP--EALOQJB0cXOaoZPsCxqkVJJTJMrmNCLZQDYOKwqA3tQQ',
    ],
  ])('of ES256 is accepted when its first bytes are %s', (_, signature) => {
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: 'XVfT1aFjkrg6NOEOqyxqsNEcK1iCjJHbXDxySOnitos',
      y: 'ljmaZ0bWkPl4egUrdiZMSL59hmeUC3CKDJuloU26HHc',
    }
    const signed = readSignedAssertion(`eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJrd2NfeCJ9.${signature}`)
    expect(isSignedBy(validKey(jwk), signed)).toBe(true)
  })

  const P256_ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

  test.each<[string, ReturnType<typeof validKey>, unknown, (data: Buffer) => Buffer]>([
    ['none', ec, { alg: 'none' }, () => Buffer.alloc(0)],
    ['no algorithm', ec, {}, byEs256],
    ['an algorithm that is no text', ec, { alg: ['ES256'] }, byEs256],
    [
      'an HMAC with the public key',
      ofRsa,
      { alg: 'HS256' },
      (data) =>
        createHmac('sha256', rsa.publicKey.export({ type: 'spki', format: 'pem' }))
          .update(data)
          .digest(),
    ],
    ['another hash', ofRsa, { alg: 'RS512' }, (data) => sign('sha512', data, rsa.privateKey)],
    ['RSA under the name of ES256', ofRsa, { alg: 'ES256' }, byRs256],
    ['an elliptic curve under the name of RS256', ec, { alg: 'RS256' }, byEs256],
    ['Ed25519 under the name of ES256', edwards, { alg: 'ES256' }, byEd25519],
    ['RS256 under the name of PS256', ofRsa, { alg: 'PS256' }, byRs256],
    ['PS256 under the name of RS256', ofRsa, { alg: 'RS256' }, byPs256],
    ['PS256 by a key for RS256', validKey(jwkOf(rsa.publicKey, { alg: 'RS256' })), { alg: 'PS256' }, byPs256],
    [
      'PS256 with a salt of another length',
      ofRsa,
      { alg: 'PS256' },
      (data) => sign('sha256', data, { key: rsa.privateKey, ...PSS, saltLength: 20 }),
    ],
    ['another curve', validKey(jwkOf(p384.publicKey)), { alg: 'ES256' }, byEs256],
    ['ES256 in DER', ec, { alg: 'ES256' }, (data) => sign('sha256', data, p256.privateKey)],
    ['ES256 of zeros', ec, { alg: 'ES256' }, () => Buffer.alloc(64)],
    ['ES256 of the order of the curve', ec, { alg: 'ES256' }, () => Buffer.concat([P256_ORDER, P256_ORDER])],
    ['ES256 of a zero and the order', ec, { alg: 'ES256' }, () => Buffer.concat([Buffer.alloc(32), P256_ORDER])],
  ])('is refused: %s', (_, key, header, signer) => {
    expect(isSignedBy(key, readSignedAssertion(assertionOf(header, signer)))).toBe(false)
  })
})

describe('a text', () => {
  const right = assertionOf({ alg: 'ES256' }, byEs256)
  const [header, payload, signature] = right.split('.') as [string, string, string]

  test.each([
    ['of two parts', `${header}.${payload}`],
    ['of four parts', `${right}.${signature}`],
    ['of five parts', `${right}.${signature}.${signature}`],
    ['with an empty header', `.${payload}.${signature}`],
    ['with an empty payload', `${header}..${signature}`],
    ['with padding', `${right}==`],
    ['with padding in the header', `${header}=.${payload}.${signature}`],
    ['with a line break', `${right}\n`],
    ['with a space', ` ${right}`],
    ['in base64', `${header}.${payload}.${signature.slice(0, -2)}+/`],
    ['with a letter outside ASCII', `${header}.${payload}é.${signature}`],
    ['whose header is no JSON', `${Buffer.from('x').toString('base64url')}.${payload}.${signature}`],
    ['whose header is null', assertionOf(null, byEs256)],
    ['whose header is a list', assertionOf([], byEs256)],
    ['in JSON', JSON.stringify({ protected: header, payload, signature })],
    ['with an extension', assertionOf({ alg: 'ES256', crit: ['x'], x: 1 }, byEs256)],
    ['with an extension that is not there', assertionOf({ alg: 'ES256', crit: ['exp'] }, byEs256)],
    ['with an empty list of extensions', assertionOf({ alg: 'ES256', crit: [] }, byEs256)],
    ['with no list of extensions', assertionOf({ alg: 'ES256', crit: null }, byEs256)],
    ['with a payload that is not encoded', assertionOf({ alg: 'ES256', crit: ['b64'], b64: false }, byEs256, 'sub')],
    ['with the extension of payloads', assertionOf({ alg: 'ES256', crit: ['b64'], b64: true }, byEs256)],
  ])('%s is no assertion', (_, text) => {
    expect(() => readSignedAssertion(text)).toThrow()
  })
})

describe('a key', () => {
  test('of 1024 bits verifies nothing', () => {
    const assertion = assertionOf({ alg: 'RS256' }, (data) => sign('sha256', data, weakRsa.privateKey))
    expect(() => isSignedBy(validKey(jwkOf(weakRsa.publicKey)), readSignedAssertion(assertion))).toThrow()
  })

  test('with an exponent of more than 64 bits would take milliseconds, and verifies nothing', () => {
    const e = (1n << 127n) + 1n
    const long = jwkOf(rsa.publicKey, { e: Buffer.from(e.toString(16), 'hex').toString('base64url') })
    expect(() => isSignedBy(validKey(long), readSignedAssertion(assertionOf({ alg: 'RS256' }, byRs256)))).toThrow()
  })

  test('that is not on its curve verifies nothing', () => {
    const jwk = jwkOf(p256.publicKey)
    const wrong = validKey({ ...jwk, y: jwk.x! })
    expect(() => isSignedBy(wrong, readSignedAssertion(assertionOf({ alg: 'ES256' }, byEs256)))).toThrow()
  })

  test('has a usual size', () => {
    expect([p256, ed25519, rsa, weakRsa].map(({ publicKey }) => hasUsualSize(publicKey))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })
})
