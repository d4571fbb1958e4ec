import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { AccessTokenError } from './errors.ts'

/** A token that may be honoured. */
export interface AccessToken {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** The `jti`. */
  readonly id: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** `unknown`: accepted without, as `statusList.onUnknown` or `onMissing` was set to. */
  readonly status: 'valid' | 'unknown'
  readonly claims: JWTPayload
}

export interface TokenTrust {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly keys: JWTVerifyGetKey
  readonly algorithms: string[]
  /** Seconds. */
  readonly clockTolerance: number
  readonly clock: Clock
}

const REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

/** What jose throws about a token; whatever else it throws is about the key set. */
const ABOUT_THE_TOKEN = [
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]

function refusalOf(cause: unknown): AccessTokenError {
  if (cause instanceof errors.JWTExpired) {
    return new AccessTokenError('token_expired', 'the access token has expired', { cause })
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.reason === 'check_failed' && cause.claim === 'nbf') {
    return new AccessTokenError('token_not_yet_valid', 'the access token is not valid yet', { cause })
  }
  if (ABOUT_THE_TOKEN.some((kind) => cause instanceof kind)) {
    return new AccessTokenError('token_invalid', 'the access token is not one of this API', { cause })
  }
  return new AccessTokenError('keys_unavailable', 'the keys to verify the token with cannot be had', { cause })
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/**
 * `at+jwt` (RFC 9068, section 2.1), or `JWT` where the API is set to it. ID tokens have no `typ`, and no `client_id`; status
 * lists and logout tokens have types of their own.
 */
const isAccessTokenType = (typ: unknown): boolean =>
  typeof typ === 'string' && ['at+jwt', 'jwt'].includes(typ.toLowerCase().replace(/^application\//, ''))

/**
 * The claims of an access token of this API (RFC 9068, section 4).
 * @throws AccessTokenError `token_invalid`, `token_expired`, `token_not_yet_valid`, `keys_unavailable`
 */
export async function verifyClaims(token: string, trust: TokenTrust): Promise<JWTPayload> {
  const now = trust.clock.wall()
  const options = {
    issuer: trust.issuer,
    audience: trust.audience as string | string[],
    algorithms: trust.algorithms,
    requiredClaims: REQUIRED,
    clockTolerance: trust.clockTolerance,
    currentDate: new Date(now),
  }
  const { payload, protectedHeader } = await jwtVerify(token, trust.keys, options).catch((error) => {
    throw refusalOf(error)
  })
  if (!isAccessTokenType(protectedHeader.typ))
    throw new AccessTokenError('token_invalid', 'the token is no access token')
  if (!isText(payload.sub) || !isText(payload.jti) || !isText(payload.client_id)) {
    throw new AccessTokenError('token_invalid', 'the access token lacks a claim')
  }
  if (payload.iat! > now / 1000 + trust.clockTolerance) {
    throw new AccessTokenError('token_not_yet_valid', 'the access token was issued in the future')
  }
  return payload
}

export const scopesOf = ({ scope }: JWTPayload): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter((name) => name !== '') : []

export function describeToken(claims: JWTPayload, status: AccessToken['status']): AccessToken {
  return {
    issuer: claims.iss!,
    subject: claims.sub!,
    clientId: claims.client_id as string,
    audience: typeof claims.aud === 'string' ? [claims.aud] : claims.aud!,
    scopes: scopesOf(claims),
    id: claims.jti!,
    issuedAt: claims.iat!,
    expiresAt: claims.exp!,
    status,
    claims,
  }
}
