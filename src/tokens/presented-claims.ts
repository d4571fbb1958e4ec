import { verifyAccessToken } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { isId } from '../shared/ids.ts'

/** The last second of the year 9999. Greater values could exceed the range of PostgreSQL's `timestamptz`. */
const LATEST = 253_402_300_799

/** Whether the claims can belong to a row of `access_tokens`. Other JWTs of this issuer, such as signed responses, have no row. */
function mayBeRecorded(claims: Record<string, unknown>, issuer: string): boolean {
  const { iss, jti, exp, client_id } = claims
  if (iss !== issuer || typeof jti !== 'string' || !isId(jti) || typeof client_id !== 'string') return false
  return Number.isInteger(exp) && Number(exp) > 0 && Number(exp) <= LATEST
}

/** Returns the verified claims of an access token of this issuer. Undefined for anything else. */
export async function readTokenClaims(
  keyRings: KeyRings,
  issuer: string,
  token: string,
): Promise<Record<string, unknown> | undefined> {
  let claims = verifyAccessToken(keyRings.ring, token)
  if (!claims && token.split('.').length === 3) {
    // Another node may have created the signing key a moment ago.
    await keyRings.follow()
    claims = verifyAccessToken(keyRings.ring, token)
  }
  return claims && mayBeRecorded(claims, issuer) ? claims : undefined
}
