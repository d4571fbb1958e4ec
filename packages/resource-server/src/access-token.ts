import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { AccessTokenError } from './errors.ts'

/** A verified access token. */
export interface AccessToken {
  readonly issuer: string
  /** The user; `clientId`: the client itself; `accountId`: the account, without a user. */
  readonly subject: string
  readonly clientId: string
  /** The account that the token acts for: that of the user, or of the client that acts for itself. Undefined: the instance. */
  readonly accountId: string | undefined
  /**
   * The clients that act for the subject in a chain of token exchanges (RFC 8693, section 4.1), the present one, `clientId`, first.
   * Empty: the token was not exchanged.
   */
  readonly actors: readonly string[]
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** The `jti`. */
  readonly id: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** `unknown`: accepted without a known status, as `statusList: false`, `onUnknown` or `onMissing` says. */
  readonly status: 'valid' | 'unknown'
  readonly claims: JWTPayload
}

export interface TokenRequirements {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly keys: JWTVerifyGetKey
  readonly algorithms: string[]
  /** Seconds. */
  readonly clockTolerance: number
  readonly clock: Clock
}

const REQUIRED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

/** What jose throws about a token that the issuer did not sign, as far as its keys tell. */
const SIGNATURE_ERRORS = [
  errors.JWSSignatureVerificationFailed,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]

/** What jose throws about a token that is malformed. Its other errors are about the key set. */
const FORMAT_ERRORS = [errors.JWTInvalid, errors.JWSInvalid, errors.JOSEAlgNotAllowed, errors.JOSENotSupported]

const isNonEmptyString = (value: unknown): value is string => typeof value === 'string' && value !== ''

/**
 * `at+jwt` (RFC 9068, section 2.1), or `JWT` if the API has that token type. ID tokens have neither `typ` nor `client_id`.
 * Status lists and logout tokens have types of their own.
 */
const isAccessTokenType = (typ: unknown): boolean =>
  typeof typ === 'string' && ['at+jwt', 'jwt'].includes(typ.toLowerCase().replace(/^application\//, ''))

const idOf = ({ jti }: JWTPayload): string | undefined => (typeof jti === 'string' ? jti : undefined)

type ClaimError = errors.JWTExpired | errors.JWTClaimValidationFailed

/** The issuer's keys signed the token, but a claim is missing or not as required. */
function describeClaimError(cause: ClaimError, token: string): AccessTokenError {
  const options = { cause, tokenId: idOf(cause.payload) }
  if (!isAccessTokenType(decodeProtectedHeader(token).typ)) {
    return new AccessTokenError('not_an_access_token', 'the token is not an access token', options)
  }
  if (cause instanceof errors.JWTExpired) {
    return new AccessTokenError('token_expired', 'the access token has expired', options)
  }
  switch (cause.reason === 'check_failed' && cause.claim) {
    case 'nbf':
      return new AccessTokenError('token_not_yet_valid', 'the access token is not valid yet', options)
    case 'iss':
      return new AccessTokenError('not_signed_by_issuer', 'the access token is of another issuer', { cause })
    case 'aud':
      return new AccessTokenError('wrong_audience', 'the access token is for another API', options)
    default:
      return new AccessTokenError('token_invalid', 'the access token lacks a required claim', options)
  }
}

function toAccessTokenError(cause: unknown, token: string): AccessTokenError {
  if (cause instanceof errors.JWTExpired || cause instanceof errors.JWTClaimValidationFailed) {
    return describeClaimError(cause, token)
  }
  if (SIGNATURE_ERRORS.some((kind) => cause instanceof kind)) {
    return new AccessTokenError('not_signed_by_issuer', 'the access token was not signed by the issuer', { cause })
  }
  if (FORMAT_ERRORS.some((kind) => cause instanceof kind)) {
    return new AccessTokenError('token_invalid', 'the access token is malformed', { cause })
  }
  return new AccessTokenError('keys_unavailable', 'the keys to verify the access token are unavailable', { cause })
}

/**
 * Verifies an access token for this API (RFC 9068, section 4) and returns its claims.
 * @throws AccessTokenError `token_invalid`, `token_expired`, `token_not_yet_valid`, `not_signed_by_issuer`, `not_an_access_token`,
 *   `wrong_audience`, `keys_unavailable`
 */
export async function verifyClaims(token: string, requirements: TokenRequirements): Promise<JWTPayload> {
  const now = requirements.clock.wall()
  const options = {
    issuer: requirements.issuer,
    audience: requirements.audience as string | string[],
    algorithms: requirements.algorithms,
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: requirements.clockTolerance,
    currentDate: new Date(now),
  }
  const { payload, protectedHeader } = await jwtVerify(token, requirements.keys, options).catch((error) => {
    throw toAccessTokenError(error, token)
  })
  if (!isAccessTokenType(protectedHeader.typ)) {
    throw new AccessTokenError('not_an_access_token', 'the token is not an access token', { tokenId: idOf(payload) })
  }
  if (!isNonEmptyString(payload.sub) || !isNonEmptyString(payload.jti) || !isNonEmptyString(payload.client_id)) {
    throw new AccessTokenError('token_invalid', 'the access token lacks a required claim')
  }
  if (payload.iat! > now / 1000 + requirements.clockTolerance) {
    throw new AccessTokenError('token_not_yet_valid', 'the access token was issued in the future', {
      tokenId: payload.jti,
    })
  }
  return payload
}

export const scopesOf = ({ scope }: JWTPayload): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter((name) => name !== '') : []

/** The `sub` of each nested claim `act`. The issuer, which signed them, limits their number. */
function actorsOf(claims: JWTPayload): string[] {
  const actors: string[] = []
  for (let { act } = claims as { act?: unknown }; typeof act === 'object' && act !== null; ) {
    const { sub, act: earlier } = act as { sub?: unknown; act?: unknown }
    if (isNonEmptyString(sub)) actors.push(sub)
    act = earlier
  }
  return actors
}

export function describeToken(claims: JWTPayload, status: AccessToken['status']): AccessToken {
  return {
    issuer: claims.iss!,
    subject: claims.sub!,
    clientId: claims.client_id as string,
    accountId: isNonEmptyString(claims.account_id) ? claims.account_id : undefined,
    actors: actorsOf(claims),
    audience: typeof claims.aud === 'string' ? [claims.aud] : claims.aud!,
    scopes: scopesOf(claims),
    id: claims.jti!,
    issuedAt: claims.iat!,
    expiresAt: claims.exp!,
    status,
    claims,
  }
}
