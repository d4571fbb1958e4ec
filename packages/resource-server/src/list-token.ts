import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { InvalidAnswerError } from './errors.ts'
import { countOf, deadBits, decodeStatuses } from './status-bits.ts'

/** A status list token that was verified. Times in milliseconds since 1970, by the issuer's clock. */
export interface ListCopy {
  readonly issuedAt: number
  /** Infinity where it names none. */
  readonly expiresAt: number
  /** Milliseconds. */
  readonly ttl: number
  /** How many tokens it speaks of. */
  readonly count: number
  /** A bit for each of them. */
  readonly dead: Uint8Array
}

export interface ListTrust {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  readonly algorithms: string[]
  /** Seconds. */
  readonly clockTolerance: number
  /** Of a list when it is inflated. */
  readonly maxListBytes: number
  readonly clock: Clock
}

/** Seconds; what a list that names no `ttl` is taken to mean. */
const TTL = 60
/** The server's own limits: a list cannot make its readers ask all the time, or never (Token Status List, section 11.5). */
const SHORTEST_TTL = 5
const LONGEST_TTL = 3600

function ttlOf(claim: unknown): number {
  if (claim === undefined) return TTL * 1000
  if (typeof claim !== 'number' || !(claim > 0)) throw new InvalidAnswerError('ttl is not a positive number')
  return Math.min(Math.max(claim, SHORTEST_TTL), LONGEST_TTL) * 1000
}

/**
 * Verifies a status list token of the JWT form (Token Status List, sections 5.1 and 8.3).
 * @throws InvalidAnswerError, and JOSEError for what jose finds
 */
export async function verifyListToken(token: string, uri: string, trust: ListTrust): Promise<ListCopy> {
  const now = trust.clock.wall()
  const { payload } = await jwtVerify(token, trust.keys, {
    typ: 'statuslist+jwt',
    issuer: trust.issuer,
    subject: uri,
    algorithms: trust.algorithms,
    requiredClaims: ['iat', 'status_list'],
    clockTolerance: trust.clockTolerance,
    currentDate: new Date(now),
  })
  const issuedAt = payload.iat! * 1000
  const ahead = Math.round((issuedAt - now) / 1000)
  // Judged by such a clock, an old list would pass for a new one.
  if (ahead > trust.clockTolerance) {
    throw new InvalidAnswerError(`issued ${ahead} s in the future: this machine's clock is behind the issuer's`)
  }
  const ttl = ttlOf(payload.ttl)
  const encoded = await decodeStatuses(payload.status_list, trust.maxListBytes)
  const expiresAt = payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000
  return { issuedAt, expiresAt, ttl, count: countOf(encoded), dead: deadBits(encoded) }
}
