import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { InvalidResponseError } from './errors.ts'
import { countOf, decodeStatuses, revokedBits } from './status-bits.ts'

/** A verified status list token. Times in milliseconds since 1970 by the issuer's clock. */
export interface ListCopy {
  readonly issuedAt: number
  /** Infinite without `exp`. */
  readonly expiresAt: number
  /** Milliseconds. */
  readonly ttl: number
  /** Number of tokens in the list. */
  readonly count: number
  /** One bit for each token. */
  readonly revoked: Uint8Array
}

export interface ListRequirements {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  readonly algorithms: string[]
  /** Seconds. */
  readonly clockTolerance: number
  /** Of the inflated list. */
  readonly maxListBytes: number
  readonly clock: Clock
}

/** Seconds. */
const DEFAULT_TTL = 60
/**
 * Seconds, the same limits as the server's: a list cannot make its readers fetch all the time, or never (Token Status List,
 * section 11.5).
 */
const SHORTEST_TTL = 5
const LONGEST_TTL = 3600

function ttlOf(claim: unknown): number {
  if (claim === undefined) return DEFAULT_TTL * 1000
  if (typeof claim !== 'number' || !(claim > 0)) throw new InvalidResponseError('ttl is not a positive number')
  return Math.min(Math.max(claim, SHORTEST_TTL), LONGEST_TTL) * 1000
}

/**
 * Verifies a status list token in JWT form (Token Status List, sections 5.1 and 8.3).
 * @throws InvalidResponseError; JOSEError for what jose finds
 */
export async function verifyListToken(token: string, uri: string, requirements: ListRequirements): Promise<ListCopy> {
  const { clock, clockTolerance } = requirements
  const now = clock.wall()
  const { payload } = await jwtVerify(token, requirements.keys, {
    typ: 'statuslist+jwt',
    issuer: requirements.issuer,
    subject: uri,
    algorithms: requirements.algorithms,
    requiredClaims: ['iat', 'status_list'],
    clockTolerance,
    currentDate: new Date(now),
  })
  const issuedAt = payload.iat! * 1000
  const ahead = Math.round((issuedAt - now) / 1000)
  // A clock that is behind would make an old list look new.
  if (ahead > clockTolerance) {
    throw new InvalidResponseError(`issued ${ahead} s in the future: this machine's clock is behind the issuer's`)
  }
  const ttl = ttlOf(payload.ttl)
  const encoded = await decodeStatuses(payload.status_list, requirements.maxListBytes)
  const expiresAt = payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000
  return { issuedAt, expiresAt, ttl, count: countOf(encoded), revoked: revokedBits(encoded) }
}
