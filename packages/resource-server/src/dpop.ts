import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { isSame, sha256 } from './digests.ts'
import { AccessTokenError } from './errors.ts'
import type { RememberProof } from './proof-memory.ts'
import { headerOf, type VerifiableRequest } from './requests.ts'

/** The algorithms of DPoP proofs, the same as the server accepts. */
export const DPOP_ALGORITHMS: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519']

export interface DpopRules {
  /** Seconds a proof may be old. */
  readonly maxAge: number
  /** Seconds. */
  readonly clockTolerance: number
  readonly remember: RememberProof
  readonly clock: Clock
}

const LONGEST_PROOF = 8192
const LONGEST_JTI = 256

const invalid = (message: string, cause?: unknown) => new AccessTokenError('dpop_invalid', message, { cause })

/** RFC 9449, section 4.3, point 9: without query and fragment, and normalised as URLs are. */
function withoutQuery(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

async function verifyProof(proof: string, rules: DpopRules): Promise<{ claims: JWTPayload; thumbprint: string }> {
  try {
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...DPOP_ALGORITHMS],
      requiredClaims: ['iat', 'jti', 'htm', 'htu', 'ath'],
      currentDate: new Date(rules.clock.wall()),
      clockTolerance: rules.clockTolerance,
    })
    const { jwk } = decodeProtectedHeader(proof)
    return { claims: payload, thumbprint: await calculateJwkThumbprint(jwk!) }
  } catch (cause) {
    throw invalid('the DPoP proof is not valid', cause)
  }
}

function checkAge({ iat }: JWTPayload, { clock, maxAge, clockTolerance }: DpopRules): void {
  const age = clock.wall() / 1000 - iat!
  if (age > maxAge + clockTolerance || age < -clockTolerance)
    throw invalid('the DPoP proof is too old, or of the future')
}

async function rememberProof(thumbprint: string, { jti, iat }: JWTPayload, rules: DpopRules): Promise<void> {
  const expiresAt = (iat! + rules.maxAge + rules.clockTolerance) * 1000
  let isFirst: boolean
  try {
    isFirst = await rules.remember(await sha256(`${thumbprint} ${jti}`), expiresAt)
  } catch (cause) {
    throw new AccessTokenError('dpop_overloaded', 'too many DPoP proofs at once', { cause })
  }
  if (!isFirst) throw new AccessTokenError('dpop_replayed', 'the DPoP proof was used before')
}

/**
 * Sees that whoever sent the token holds the key that it is bound to (RFC 9449, sections 4.3 and 7.1).
 * @param jkt the thumbprint of that key
 * @throws AccessTokenError `dpop_invalid`, `dpop_replayed`, `dpop_overloaded`
 */
export async function checkDpop(
  request: VerifiableRequest,
  token: string,
  jkt: string,
  rules: DpopRules,
): Promise<void> {
  const proof = headerOf(request, 'dpop')
  if (!proof || proof.length > LONGEST_PROOF) throw invalid('send one DPoP proof')
  const { claims, thumbprint } = await verifyProof(proof, rules)
  if (!isSame(thumbprint, jkt)) throw invalid('the DPoP proof is by another key than the token is bound to')
  if (claims.ath !== (await sha256(token))) throw invalid('the DPoP proof is for another token')
  if (claims.htm !== request.method) throw invalid('the DPoP proof is for another method')
  const url = withoutQuery(request.url)
  if (url === undefined || withoutQuery(claims.htu) !== url) throw invalid('the DPoP proof is for another address')
  if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > LONGEST_JTI)
    throw invalid('jti is not fit')
  checkAge(claims, rules)
  await rememberProof(thumbprint, claims, rules)
}
