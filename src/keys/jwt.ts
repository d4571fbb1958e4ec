import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { TOKEN_TYPES } from '../shared/algorithms.ts'
import { isSignatureOf, signatureOf } from '../shared/jws-signatures.ts'
import type { KeyRing, RingKey, SigningRingKey } from './key-ring.ts'

type VerificationKey = Pick<RingKey, 'alg' | 'publicKey'>

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
  const signature = await signatureOf(key.alg, key.secret.key, Buffer.from(input))
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
  const claims = isSignatureOf(key.alg, key.publicKey, signed, signature) ? parseJson(parts[1]!) : undefined
  return claims && { type: header.typ, claims }
}
