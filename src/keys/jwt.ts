import { constants, type KeyObject, sign as signData, verify as verifySignature } from 'node:crypto'
import { promisify } from 'node:util'
import { LRUCache } from 'lru-cache'
import { type SigningAlg, TOKEN_TYPES } from '../shared/algorithms.ts'
import type { KeyRing, RingKey, SigningRingKey } from './key-ring.ts'

const signInThreadPool = promisify(signData)

const HASHES: Record<SigningAlg, string | null> = { ES256: 'sha256', RS256: 'sha256', PS256: 'sha256', EdDSA: null }
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } as const

/** The bytes of each half of an ES256 signature. */
const HALF = 32

/** A DER integer (sign byte, no leading zeros) as a half of fixed length. */
function fixedLength(integer: Buffer): Buffer {
  if (integer.length >= HALF) return integer.subarray(integer.length - HALF)
  return Buffer.concat([Buffer.alloc(HALF - integer.length), integer])
}

/**
 * RFC 7518, section 3.4, wants the two halves side by side; OpenSSL writes DER. Asking Node for that form doubles what a
 * signature costs (56 instead of 25 microseconds), so it is taken apart here: 30 len 02 len R 02 len S.
 */
function joinHalves(der: Buffer): Buffer {
  const endOfR = 4 + der[3]!
  return Buffer.concat([fixedLength(der.subarray(4, endOfR)), fixedLength(der.subarray(endOfR + 2))], 2 * HALF)
}

async function signatureOf(key: SigningRingKey, data: Buffer): Promise<Buffer> {
  // Elliptic curves sign in place: handing this little work to another thread costs more than it takes.
  if (key.alg === 'ES256') return joinHalves(signData('sha256', data, key.secret.key))
  if (key.alg === 'EdDSA') return signData(null, data, key.secret.key)
  const input = key.alg === 'PS256' ? { key: key.secret.key, ...PSS } : key.secret.key
  return await signInThreadPool('sha256', data, input)
}

type VerificationKey = Pick<RingKey, 'alg' | 'publicKey'>

function isSignatureOf(key: VerificationKey, data: Buffer, signature: Buffer): boolean {
  const options = key.alg === 'PS256' ? PSS : key.alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}
  return verifySignature(HASHES[key.alg], data, { key: key.publicKey, ...options }, signature)
}

const headers = new WeakMap<KeyObject, Map<string, string>>()

function encodedHeader(key: SigningRingKey, typ: string): string {
  const ofKey = headers.get(key.publicKey) ?? new Map<string, string>()
  headers.set(key.publicKey, ofKey)
  const header =
    ofKey.get(typ) ?? Buffer.from(JSON.stringify({ alg: key.alg, typ, kid: key.kid })).toString('base64url')
  ofKey.set(typ, header)
  return header
}

/** A JWS in compact serialisation (RFC 7515, section 3.1). */
export async function signJwt(key: SigningRingKey, typ: string, claims: object): Promise<string> {
  const input = `${encodedHeader(key, typ)}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  const signature = await signatureOf(key, Buffer.from(input))
  return `${input}.${signature.toString('base64url')}`
}

function parseJson(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A resource server asks about the same token with every request it gets; a signature does not change meanwhile. */
const VERIFIED_PER_RING = 10_000

const verifiedBy = new WeakMap<KeyRing, LRUCache<string, Record<string, unknown>>>()

/**
 * The claims of an access token that one of our keys signed with its own algorithm (RFC 9068, section 4); undefined for
 * anything else. ID tokens have no `typ`. Only the access-token store knows whether it is active.
 */
export function verifyAccessToken(ring: KeyRing, token: string): Record<string, unknown> | undefined {
  const verified = verifiedBy.get(ring) ?? new LRUCache({ max: VERIFIED_PER_RING })
  verifiedBy.set(ring, verified)
  const claims = verified.get(token) ?? verifyJwt(ring, token, TOKEN_TYPES)
  if (claims) verified.set(token, claims)
  return claims
}

/** The `kid` of a JWT; undefined: none, or no JWT. */
export function keyIdOf(token: string): string | undefined {
  const header = parseJson(token.split('.', 1)[0]!)
  return typeof header?.kid === 'string' ? header.kid : undefined
}

function verifyJwt(ring: KeyRing, token: string, types: readonly unknown[]): Record<string, unknown> | undefined {
  const kid = keyIdOf(token)
  const key = kid === undefined ? undefined : ring.byId(kid)
  const verified = key && verifyWith(key, token)
  return verified && types.includes(verified.type) ? verified.claims : undefined
}

/** The claims of a JWT that anybody may have signed; empty if there are none. */
export const unverifiedPayload = (token: string): Record<string, unknown> => parseJson(token.split('.')[1] ?? '') ?? {}

export interface VerifiedJwt {
  /** The `typ` of its header. */
  readonly type: unknown
  readonly claims: Record<string, unknown>
}

/** A JWT that the key signed with its own algorithm; undefined for anything else. */
export function verifyWith(key: VerificationKey, token: string): VerifiedJwt | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = parseJson(parts[0]!)
  if (header?.alg !== key.alg) return undefined
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`)
  const signature = Buffer.from(parts[2]!, 'base64url')
  // Another spelling of the same bytes is another string: only the one that was issued is this token.
  if (signature.toString('base64url') !== parts[2]) return undefined
  const claims = isSignatureOf(key, signed, signature) ? parseJson(parts[1]!) : undefined
  return claims && { type: header.typ, claims }
}
