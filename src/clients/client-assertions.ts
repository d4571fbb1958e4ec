import type { JWTPayload } from 'jose'
import { LONGEST_ASSERTION } from '../shared/longest-assertion.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { claimsOf, isSignedBy, readSignedAssertion, type SignedAssertion } from './assertion-signatures.ts'
import type { Registration, ValidKey } from './registration.ts'

/** `client_assertion_type` (RFC 7523, section 2.2). */
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Seconds. An assertion that is valid for longer would have to be remembered for longer. */
const MAX_LIFETIME = 300

/** Seconds by which the clock of a client may differ. */
const TOLERANCE = 10

const MAX_JTI_LENGTH = 300

/** RFC 6749, appendix A.1, without spaces, and no longer than any of ours. */
const CLIENT_ID = /^[\x21-\x7e]{1,200}$/

/** The media types of the header `typ`: the usual one, and that of the revised RFC 7523. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'jwt', 'client-authentication+jwt']

/** An assertion that proves a client, if it is used for the first time. */
export interface VerifiedAssertion {
  readonly key: ValidKey
  readonly jti: string
  /** Seconds since 1970 until which the assertion must be remembered. */
  readonly rememberUntil: number
  /** Whether its audience is allowed by `endpointAudiences` only. */
  readonly hasEndpointAudience: boolean
}

/** What an assertion may name as its audience. */
export interface Audiences {
  /** The issuer identifier of this server. */
  readonly issuer: string
  /** The URLs of the endpoints at which clients authenticate; only for clients with `endpointAudiences`. */
  readonly endpoints: readonly string[]
}

/** Why an assertion proves nothing; the detail is for the log. */
export class InvalidAssertionError extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

interface ClaimedIdentity {
  /** Undefined: the subject cannot be a client ID. */
  readonly clientId: string | undefined
  /** Whether the subject is the issuer, as in the assertion that a client signs. */
  readonly isOwn: boolean
}

const NO_IDENTITY: ClaimedIdentity = { clientId: undefined, isOwn: false }

/** The client ID that an assertion claims (RFC 7521, section 4.2), which is not verified. */
export function claimedIdentity(assertion: string): ClaimedIdentity {
  if (assertion.length > LONGEST_ASSERTION) return NO_IDENTITY
  try {
    const payload: unknown = JSON.parse(Buffer.from(assertion.split('.', 2)[1] ?? '', 'base64url').toString())
    const { iss, sub } = payload as { iss?: unknown; sub?: unknown }
    return { clientId: typeof sub === 'string' && CLIENT_ID.test(sub) ? sub : undefined, isOwn: iss === sub }
  } catch {
    return NO_IDENTITY
  }
}

/** Whether a key may prove an assertion. @param now milliseconds since 1970 */
export const worksAt = ({ retiresAt, validUntil }: Pick<ValidKey, 'retiresAt' | 'validUntil'>, now: number): boolean =>
  (retiresAt === null || retiresAt > now) && (validUntil === null || validUntil > now)

/** The keys that work and may have signed a JWT with this key ID. @param now milliseconds since 1970 */
export const keysFor = (keys: readonly ValidKey[], kid: unknown, now: number): ValidKey[] =>
  keys.filter((key) => worksAt(key, now) && (kid === undefined || key.jwk.kid === undefined || key.jwk.kid === kid))

/** The keys that may have signed an assertion. */
function candidates({ keys, fapi2 }: Registration, { header }: SignedAssertion, now: number): ValidKey[] {
  const { alg, kid, typ } = header
  if (!TYPES.includes(typ))
    throw new InvalidAssertionError('assertion_invalid', `the type ${typ} is not that of a client assertion`)
  // FAPI 2.0 Security Profile, section 5.4.1.
  if (fapi2 && alg === 'RS256') throw new InvalidAssertionError('assertion_invalid', 'FAPI 2.0 does not allow RS256')
  return keysFor(keys, kid, now)
}

/**
 * Whether an audience is that of an older client: only this server, as its issuer or by endpoints. A list with another server would let
 * that one use the assertion here.
 */
function isEndpointAudience(aud: unknown, { issuer, endpoints }: Audiences): boolean {
  const all: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return all.length > 0 && all.every((one) => one === issuer || endpoints.some((endpoint) => one === endpoint))
}

/** Checks what the signature covers (RFC 7523, section 3). @throws InvalidAssertionError */
function checkClaims(
  { iss, sub, aud, exp, iat, nbf, jti }: JWTPayload,
  { clientId, endpointAudiences }: Registration,
  audiences: Audiences,
  now: number,
) {
  const invalid = (detail: string, reason: RefusalReason = 'assertion_invalid') =>
    new InvalidAssertionError(reason, detail)
  if (iss !== clientId || sub !== clientId) throw invalid('iss and sub are not the client ID')
  // One audience alone, so that no other server can use the assertion here (RFC 7523bis).
  const hasEndpointAudience = aud !== audiences.issuer
  if (hasEndpointAudience && !(endpointAudiences && isEndpointAudience(aud, audiences))) {
    throw invalid('aud is not the issuer identifier as a string', 'assertion_audience')
  }
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw invalid('exp is missing')
  if (exp + TOLERANCE <= now) throw invalid('the assertion has expired', 'assertion_expired')
  if (exp > now + MAX_LIFETIME + TOLERANCE) throw invalid(`exp is more than ${MAX_LIFETIME} seconds ahead`)
  for (const time of [iat, nbf]) {
    if (time !== undefined && !(Number.isFinite(time) && time <= now + TOLERANCE))
      throw invalid('the assertion is from the future')
  }
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) throw invalid('jti is missing or too long')
  return { jti, rememberUntil: Math.ceil(exp) + TOLERANCE + 1, hasEndpointAudience }
}

/**
 * Verifies a client assertion with a key of the client (RFC 7523, section 3), without recording its use.
 * @param now milliseconds since 1970
 * @throws InvalidAssertionError
 */
export function verifyAssertion(
  registration: Registration,
  assertion: string,
  audiences: Audiences,
  now: number,
): VerifiedAssertion {
  try {
    if (assertion.length > LONGEST_ASSERTION)
      throw new InvalidAssertionError('assertion_invalid', 'the assertion is too long')
    const signed = readSignedAssertion(assertion)
    const key = candidates(registration, signed, now).find((one) => isSignedBy(one, signed))
    if (key) return { key, ...checkClaims(claimsOf(signed) as JWTPayload, registration, audiences, now / 1000) }
  } catch (error) {
    if (error instanceof InvalidAssertionError) throw error
    throw new InvalidAssertionError('assertion_invalid', error instanceof Error ? error.message : 'malformed')
  }
  throw new InvalidAssertionError('assertion_key', 'no current key of the client signed the assertion')
}
