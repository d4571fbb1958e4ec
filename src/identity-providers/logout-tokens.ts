import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { KeywrightError } from '../shared/errors.ts'
import { CLOCK_TOLERANCE, typeOf, verifyUpstreamToken } from './upstream-tokens.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Seconds after which a token is refused, whatever its `exp` says: its `jti` is kept for so long. */
const LONGEST_AGE = 600

/** What a provider says of the end of its session. */
export interface UpstreamLogout {
  /** All sessions of the subject, unless `sid` is given. */
  readonly subject: string | undefined
  /** One session of the provider. */
  readonly sid: string | undefined
  readonly jti: string
  /** After it, the token is refused for its age. */
  readonly keptUntil: Date
}

const invalid = (message: string, cause?: unknown) =>
  new KeywrightError('invalid_input', `the logout token is not valid: ${message}`, { cause })

/** A claim that names something. @throws KeywrightError `invalid_input` */
function nameIn(claims: JWTPayload, claim: string): string | undefined {
  const value = claims[claim]
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value) && value.isWellFormed()) return value
  throw invalid(`${claim} is not a text of at most 255 characters`)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The recommended type is `logout+jwt`; tokens of other types are not logout tokens. */
const TYPES = [undefined, 'jwt', 'logout+jwt', 'application/logout+jwt']

/** @throws KeywrightError `invalid_input` */
function checkType(token: string): void {
  let typ: string | undefined
  try {
    typ = typeOf(token)
  } catch (error) {
    throw invalid('it is not a JWT', error)
  }
  if (!TYPES.includes(typ)) throw invalid('typ is not logout+jwt')
}

/**
 * Validates a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6). The caller makes sure that its `jti` is used once.
 * @throws KeywrightError `invalid_input`, `unavailable` (the keys cannot be read)
 */
export async function verifyLogoutToken(
  token: string,
  provider: { readonly issuer: string; readonly clientId: string },
  keys: JWTVerifyGetKey,
): Promise<UpstreamLogout> {
  checkType(token)
  const claims = await verifyUpstreamToken(token, keys, {
    issuer: provider.issuer,
    audience: provider.clientId,
    longestAge: LONGEST_AGE,
    requiredClaims: ['exp', 'iat', 'jti', 'events'],
    invalid,
  })
  const { events, iat } = claims
  if (!isObject(events) || !isObject(events[EVENT])) throw invalid('events has no back-channel logout')
  if ('nonce' in claims) throw invalid('it has a nonce')
  const [subject, sid, jti] = ['sub', 'sid', 'jti'].map((claim) => nameIn(claims, claim))
  if (subject === undefined && sid === undefined) throw invalid('it has neither sub nor sid')
  return { subject, sid, jti: jti!, keptUntil: new Date((iat! + LONGEST_AGE + CLOCK_TOLERANCE) * 1000) }
}
