import type { JWTPayload } from 'jose'
import { claimsOf, isSignedBy, readSignedAssertion } from './assertion-signatures.ts'
import { keysFor } from './client-assertions.ts'
import type { Registration } from './registration.ts'

/** Characters. */
const MAX_LENGTH = 8192

/** Seconds between `nbf` and `exp`, and the age of `nbf` (FAPI 2.0 Message Signing, section 5.3.1). */
const MAX_LIFETIME = 3600

/** Seconds by which the clock of a client may differ. */
const TOLERANCE = 10

/** RFC 9101, section 10.8: a JWT of another type is none. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'jwt', 'oauth-authz-req+jwt']

/** What the JWT says about itself, and is no parameter of the request. */
const OWN_CLAIMS = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])

/** Why a request object is refused. */
export class InvalidRequestObjectError extends Error {
  /** Whether no key that is known signed it: one that the client publishes may not be known yet. */
  readonly hasUnknownKey: boolean

  constructor(detail: string, hasUnknownKey = false) {
    super(detail)
    this.hasUnknownKey = hasUnknownKey
  }
}

/** The parameters of an authorization request. */
export type RequestParameters = Record<string, string | string[]>

function checkTimes({ exp, nbf, iat }: JWTPayload, needsNotBefore: boolean, now: number): void {
  const invalid = (detail: string) => new InvalidRequestObjectError(detail)
  if (typeof exp !== 'number') throw invalid('exp is missing')
  if (exp + TOLERANCE <= now) throw invalid('it has expired')
  if (nbf === undefined && needsNotBefore) throw invalid('nbf is missing')
  for (const time of [nbf, iat]) {
    if (time !== undefined && !(typeof time === 'number' && time <= now + TOLERANCE))
      throw invalid('it is from the future')
  }
  const from = nbf ?? now
  if (from + MAX_LIFETIME + TOLERANCE < now) throw invalid('nbf is more than 60 minutes ago')
  if (exp > from + MAX_LIFETIME + TOLERANCE) throw invalid('exp is more than 60 minutes after nbf')
}

/** An object, as of `claims`, is JSON in a parameter. */
function parameterOf(value: unknown): string | string[] {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function parametersIn(claims: JWTPayload, { clientId, fapi2 }: Registration, issuer: string, now: number) {
  const invalid = (detail: string) => new InvalidRequestObjectError(detail)
  const { iss, aud } = claims
  if (iss !== clientId || claims.client_id !== clientId) throw invalid('iss and client_id are not the client ID')
  // FAPI 2.0 Message Signing, section 5.3.1: unlike that of an assertion, it may name other servers too.
  if (![aud].flat().includes(issuer)) throw invalid('aud does not contain the issuer identifier')
  // RFC 9101, section 10.8: a client assertion of another server has a subject.
  if (claims.sub !== undefined) throw invalid('it has a subject')
  if (claims.request !== undefined || claims.request_uri !== undefined) throw invalid('it contains another request')
  checkTimes(claims, fapi2, now)
  const given = Object.entries(claims).filter(([name, value]) => !OWN_CLAIMS.has(name) && value != null)
  const parameters = given.map(([name, value]): [string, string | string[]] => [name, parameterOf(value)])
  // Neither can be in a form, so nothing behind checks for it.
  if (parameters.flat(2).some((text) => text.includes('\0') || !text.isWellFormed()))
    throw invalid('it contains NUL, or an unpaired surrogate')
  return Object.fromEntries(parameters)
}

/**
 * The parameters of a signed request object, and no others (RFC 9101, section 6.3), verified by a key of the client.
 * @param issuer the issuer identifier of this server
 * @param now milliseconds since 1970
 * @throws InvalidRequestObjectError
 */
export function verifyRequestObject(
  registration: Registration,
  object: string,
  issuer: string,
  now: number,
): RequestParameters {
  const invalid = (detail: string) => new InvalidRequestObjectError(detail)
  if (object.length > MAX_LENGTH) throw invalid('it is too long')
  try {
    const signed = readSignedAssertion(object)
    const { alg, kid, typ } = signed.header
    if (!TYPES.includes(typ)) throw invalid('its type is not that of a request object')
    // FAPI 2.0 Security Profile, section 5.4.1.
    if (registration.fapi2 && alg === 'RS256') throw invalid('FAPI 2.0 does not allow RS256')
    if (!keysFor(registration.keys, kid, now).some((key) => isSignedBy(key, signed)))
      throw new InvalidRequestObjectError('no current key of the client signed it', true)
    return parametersIn(claimsOf(signed) as JWTPayload, registration, issuer, now / 1000)
  } catch (error) {
    throw error instanceof InvalidRequestObjectError ? error : invalid('it is malformed')
  }
}
