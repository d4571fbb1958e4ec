import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from './clock.ts'
import { isSame, sha256 } from './digests.ts'
import type { RecordProof } from './dpop-replay-cache.ts'
import { AccessTokenError } from './errors.ts'
import { headerOf, type VerifiableRequest } from './requests.ts'

/** The algorithms of DPoP proofs, the same as the server accepts. */
export const DPOP_ALGORITHMS: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519']

export interface DpopRequirements {
  /** Maximum age of a proof in seconds. */
  readonly maxAge: number
  /** Seconds. */
  readonly clockTolerance: number
  readonly recordProof: RecordProof
  readonly clock: Clock
}

/** Characters. */
const MAX_PROOF_LENGTH = 8192
const MAX_JTI_LENGTH = 256

const invalid = (message: string, cause?: unknown) => new AccessTokenError('dpop_invalid', message, { cause })

/** Returns the URL without query and fragment, normalized (RFC 9449, section 4.3, point 9). */
function withoutQuery(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

async function verifyProof(
  proof: string,
  { clock, clockTolerance }: DpopRequirements,
): Promise<{ claims: JWTPayload; thumbprint: string }> {
  try {
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...DPOP_ALGORITHMS],
      requiredClaims: ['iat', 'jti', 'htm', 'htu', 'ath'],
      currentDate: new Date(clock.wall()),
      clockTolerance,
    })
    const { jwk } = decodeProtectedHeader(proof)
    return { claims: payload, thumbprint: await calculateJwkThumbprint(jwk!) }
  } catch (cause) {
    throw invalid('the DPoP proof is invalid', cause)
  }
}

function checkAge({ iat }: JWTPayload, { clock, maxAge, clockTolerance }: DpopRequirements): void {
  const age = clock.wall() / 1000 - iat!
  if (age > maxAge + clockTolerance) throw invalid('the DPoP proof is too old')
  if (age < -clockTolerance) throw invalid('the DPoP proof was issued in the future')
}

function checkJti({ jti }: JWTPayload): void {
  if (typeof jti === 'string' && jti !== '' && jti.length <= MAX_JTI_LENGTH) return
  throw invalid(`the jti of the DPoP proof is not a string of 1 to ${MAX_JTI_LENGTH} characters`)
}

async function rejectReplay(
  thumbprint: string,
  { jti, iat }: JWTPayload,
  { maxAge, clockTolerance, recordProof }: DpopRequirements,
): Promise<void> {
  const expiresAt = (iat! + maxAge + clockTolerance) * 1000
  let isFirstUse: boolean
  try {
    isFirstUse = await recordProof(await sha256(`${thumbprint} ${jti}`), expiresAt)
  } catch (cause) {
    throw new AccessTokenError('dpop_overloaded', 'the use of the DPoP proof cannot be recorded', { cause })
  }
  if (!isFirstUse) throw new AccessTokenError('dpop_replayed', 'the DPoP proof was used before')
}

/**
 * Verifies that the sender holds the key that the token is bound to (RFC 9449, sections 4.3 and 7.1).
 * @param jkt the thumbprint of that key
 * @throws AccessTokenError `dpop_invalid`, `dpop_replayed`, `dpop_overloaded`
 */
export async function checkDpop(
  request: VerifiableRequest,
  token: string,
  jkt: string,
  requirements: DpopRequirements,
): Promise<void> {
  const proof = headerOf(request, 'dpop')
  if (!proof) throw invalid('a DPoP proof is required')
  if (proof.length > MAX_PROOF_LENGTH) throw invalid('the DPoP proof is too long')
  const { claims, thumbprint } = await verifyProof(proof, requirements)
  if (!isSame(thumbprint, jkt)) throw invalid('the DPoP proof is signed with a key that the token is not bound to')
  if (claims.ath !== (await sha256(token))) throw invalid('the DPoP proof is for another access token')
  if (claims.htm !== request.method) throw invalid('the DPoP proof is for another method')
  const url = withoutQuery(request.url)
  if (url === undefined || withoutQuery(claims.htu) !== url) throw invalid('the DPoP proof is for another URL')
  checkJti(claims)
  checkAge(claims, requirements)
  await rejectReplay(thumbprint, claims, requirements)
}
