import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { KeywrightError } from '../shared/errors.ts'

/** Seconds by which the clocks of a provider and of this node may differ. */
export const CLOCK_TOLERANCE = 60

/** As for ID tokens: none with a shared key, because a client secret is no proof of the provider. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** What jose throws when the keys cannot be read: no HTTP 200, no JSON, no key set, or no response in time. */
const OF_KEYS = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT']

/** The type of a JWT in small letters (RFC 7515, section 4.1.9). Undefined: it has none. @throws JOSEError, TypeError: it is no JWT */
export const typeOf = (token: string): string | undefined => decodeProtectedHeader(token).typ?.toLowerCase()

export interface UpstreamTokenRules {
  readonly issuer: string
  readonly audience: string
  /** Seconds after `iat`. */
  readonly longestAge: number
  readonly requiredClaims: readonly string[]
  /** The error of a token that is not valid. */
  invalid(message: string, cause: unknown): Error
}

/**
 * The claims of a JWT that a provider signed.
 * @throws KeywrightError `unavailable`: the keys cannot be read
 */
export async function verifyUpstreamToken(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, audience, longestAge, requiredClaims, invalid }: UpstreamTokenRules,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE,
      maxTokenAge: longestAge,
      requiredClaims: [...requiredClaims],
    })
    return payload
  } catch (error) {
    if (!(error instanceof errors.JOSEError) || OF_KEYS.includes(error.code))
      throw new KeywrightError('unavailable', 'the keys of the identity provider cannot be read', { cause: error })
    throw invalid(error.message, error)
  }
}
