import { type SignKeyObjectInput, sign as signData, verify as verifySignature } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { KeyRing, RingKey } from './key-ring.ts'

const signInThreadPool = promisify(signData)

const HASHES: Record<SigningAlg, string | null> = { ES256: 'sha256', RS256: 'sha256', PS256: 'sha256', EdDSA: null }
const PSS = { padding: 6 /* RSA_PKCS1_PSS_PADDING */, saltLength: 32 } as const

type KeyInput = SignKeyObjectInput & { dsaEncoding?: 'ieee-p1363' }

const inputs = new WeakMap<RingKey, { sign: KeyInput; verify: KeyInput; headers: Map<string, string> }>()

function inputsOf(key: RingKey) {
  let input = inputs.get(key)
  if (!input) {
    const options = key.alg === 'PS256' ? PSS : key.alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}
    input = {
      sign: { key: key.privateKey, ...options },
      verify: { key: key.publicKey, ...options },
      headers: new Map(),
    }
    inputs.set(key, input)
  }
  return input
}

function encodedHeader(key: RingKey, typ: string): string {
  const { headers } = inputsOf(key)
  let header = headers.get(typ)
  if (!header) {
    header = Buffer.from(JSON.stringify({ alg: key.alg, typ, kid: key.kid })).toString('base64url')
    headers.set(typ, header)
  }
  return header
}

/**
 * A JWS in compact serialisation (RFC 7515, section 3.1). Elliptic curves sign in place: handing 30 microseconds of work
 * to another thread costs more than it takes. RSA is a hundred times slower and goes to the thread pool.
 */
export async function signJwt(key: RingKey, typ: string, claims: object): Promise<string> {
  const input = `${encodedHeader(key, typ)}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  const { sign } = inputsOf(key)
  const data = Buffer.from(input)
  const signature =
    HASHES[key.alg] === null || key.alg === 'ES256'
      ? signData(HASHES[key.alg], data, sign)
      : await signInThreadPool(HASHES[key.alg], data, sign)
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

/** The claims of a JWT that one of our keys signed with its own algorithm and this type; undefined for anything else. */
export function verifyJwt(ring: KeyRing, token: string, typ: string): Record<string, unknown> | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = parseJson(parts[0]!)
  const key = typeof header?.kid === 'string' ? ring.byId(header.kid) : undefined
  if (!key || header?.alg !== key.alg || header.typ !== typ) return undefined
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`)
  const signature = Buffer.from(parts[2]!, 'base64url')
  // Another spelling of the same bytes is another string: only the one that was issued is this token.
  if (signature.toString('base64url') !== parts[2]) return undefined
  return verifySignature(HASHES[key.alg], signed, inputsOf(key).verify, signature) ? parseJson(parts[1]!) : undefined
}
