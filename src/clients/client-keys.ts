import { KeyObject } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose'
import { CLIENT_ASSERTION_ALGS, type ClientAssertionAlg } from '../shared/algorithms.ts'
import { invalidInput } from '../shared/errors.ts'
import { isPem, keysInPem } from './public-key-pem.ts'

/** A public key by which a client authenticates. */
export interface PublicKey {
  readonly jwk: JWK
  /** RFC 7638, with SHA-256. */
  readonly thumbprint: Buffer
}

/** Keys of one client. An assertion without `kid` is checked against each. */
export const MAX_KEYS = 10

/** Characters. */
export const MAX_KEY_SET_LENGTH = 20_000

/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048

/** A longer modulus makes each verification slow. */
const MAX_RSA_BITS = 8192

/** Nearly every key has 65537. A verification takes time by the length of the exponent. */
const MAX_RSA_EXPONENT = 2n ** 64n

/** Members of private and symmetric keys (RFC 7518, section 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The members that are kept: those of the key itself, its ID and its algorithm. */
const KEPT = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg'] as const

/** The database stores no NUL, and pages show the last characters. */
const KEY_ID = /^[\x20-\x7e]{1,200}$/

const invalid = (message: string) => invalidInput(message, 'jwks')

/** The algorithms that a key can verify. */
export function algorithmsOf({ kty, crv, alg }: JWK): readonly ClientAssertionAlg[] {
  const possible = CLIENT_ASSERTION_ALGS.filter((one) => {
    if (one === 'ES256') return kty === 'EC' && crv === 'P-256'
    if (one === 'PS256' || one === 'RS256') return kty === 'RSA'
    return kty === 'OKP' && crv === 'Ed25519'
  })
  return alg === undefined ? possible : possible.filter((one) => one === alg)
}

/** Whether an RSA key is neither too weak nor so large that a verification by it takes milliseconds. Other keys have one size. */
export function hasUsualSize({ asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength = MIN_RSA_BITS, publicExponent = 0n } = asymmetricKeyDetails
  return modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS && publicExponent < MAX_RSA_EXPONENT
}

const bitsOf = (modulus: string): number => Buffer.from(modulus, 'base64url').length * 8

type GivenKey = Readonly<Record<string, unknown>>

/** @throws KeywrightError `invalid_input` */
export function checkPublic(given: GivenKey): void {
  if (PRIVATE.some((name) => name in given))
    throw invalid('the key set has a private or symmetric key: send public keys only')
}

/** @throws KeywrightError `invalid_input` */
function checkKey(given: GivenKey): JWK {
  checkPublic(given)
  const members = KEPT.filter((name) => given[name] !== undefined).map((name) => [name, given[name]])
  const jwk = Object.fromEntries(members) as JWK
  if (Object.values(jwk).some((value) => typeof value !== 'string')) throw invalid('a member of a key is no text')
  if (given.use !== undefined && given.use !== 'sig') throw invalid('a key is not for signatures (use)')
  if (algorithmsOf(jwk).length === 0) {
    throw invalid(`a key is for none of the algorithms ${CLIENT_ASSERTION_ALGS.join(', ')}`)
  }
  if (jwk.kty === 'RSA' && (bitsOf(jwk.n ?? '') < MIN_RSA_BITS || bitsOf(jwk.n ?? '') > MAX_RSA_BITS)) {
    throw invalid(`an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`)
  }
  if (jwk.kid !== undefined && !KEY_ID.test(jwk.kid)) {
    throw invalid('a key ID (kid) must have 1 to 200 characters, all printable ASCII')
  }
  return jwk
}

/** The keys in a JWK set, in a single JWK, or in PEM blocks, which are not checked yet. @throws KeywrightError `invalid_input` */
export function keysIn(text: string, field = 'jwks'): Readonly<Record<string, unknown>>[] {
  const invalid = (message: string) => invalidInput(message, field)
  if (text.length > MAX_KEY_SET_LENGTH) throw invalid(`a key set has at most ${MAX_KEY_SET_LENGTH} characters`)
  if (isPem(text)) return keysInPem(text)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw invalid('the text is neither a JWK set (JSON) nor PEM')
  }
  const set = parsed as { keys?: unknown; kty?: unknown } | null
  const keys = set && typeof set === 'object' && 'kty' in set ? [set] : set?.keys
  if (!Array.isArray(keys) || keys.some((key) => key === null || typeof key !== 'object')) {
    throw invalid('the text is no JWK set (RFC 7517, section 5): an object with the member keys')
  }
  return keys
}

/**
 * Reads a JWK set with the public keys of a client (RFC 7517), a single JWK, or PEM blocks with public keys and certificates.
 * @throws KeywrightError `invalid_input`
 */
export async function parsePublicKeys(text: string): Promise<PublicKey[]> {
  const keys = keysIn(text).map(checkKey)
  if (keys.length === 0 || keys.length > MAX_KEYS) throw invalid(`a key set has 1 to ${MAX_KEYS} keys`)
  const parsed = await Promise.all(keys.map(withThumbprint))
  if (new Set(parsed.map(({ thumbprint }) => thumbprint.toString('hex'))).size < parsed.length) {
    throw invalid('the key set has a key twice')
  }
  return parsed
}

const withThumbprint = async (jwk: JWK): Promise<PublicKey> => ({
  jwk,
  thumbprint: Buffer.from(await thumbprintOf(jwk), 'base64url'),
})

/** One public key. @throws KeywrightError `invalid_input` */
export const parsePublicKey = async (given: GivenKey): Promise<PublicKey> => await withThumbprint(checkKey(given))

/** @throws KeywrightError `invalid_input`: also for a key that could never verify an assertion, and would hide those beside it */
async function thumbprintOf(jwk: JWK): Promise<string> {
  try {
    const key = (await importJWK(jwk, algorithmsOf(jwk)[0])) as CryptoKey
    if (hasUsualSize(KeyObject.from(key))) return await calculateJwkThumbprint(jwk)
  } catch {
    throw invalid('a key lacks a member that its type requires, or has a wrong one')
  }
  throw invalid(`an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, and an exponent below 2^64`)
}

/** Keys of one issuer. Issuers publish a few. */
const MAX_ISSUER_KEYS = 50

async function isUsable(jwk: JWK): Promise<boolean> {
  try {
    await thumbprintOf(jwk)
    return true
  } catch {
    return false
  }
}

/** The keys of an issuer that can verify its tokens. Others, such as those for encryption, are passed over. */
export async function usableKeys(given: readonly Readonly<Record<string, unknown>>[]): Promise<JWK[]> {
  const keys = given.slice(0, MAX_ISSUER_KEYS).flatMap((one) => {
    try {
      return [checkKey(one)]
    } catch {
      return []
    }
  })
  const usable = await Promise.all(keys.map(isUsable))
  return keys.filter((_, index) => usable[index])
}
