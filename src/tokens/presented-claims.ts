import { verifyAccessToken } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { isId } from '../shared/ids.ts'

/** The last second of the year 9999, beyond which PostgreSQL's own time has an end too. */
const LATEST = 253_402_300_799

/** Whether the claims can be those of a row of the ledger; other JWTs of ours (signed answers) have none. */
function mayBeRecorded(claims: Record<string, unknown>, issuer: string): boolean {
  const { iss, jti, exp, client_id } = claims
  if (iss !== issuer || typeof jti !== 'string' || !isId(jti) || typeof client_id !== 'string') return false
  return Number.isInteger(exp) && Number(exp) > 0 && Number(exp) <= LATEST
}

/** The claims of a JWT of ours that the ledger can be asked about; undefined for anything else. */
export async function readTokenClaims(
  keyRings: KeyRings,
  issuer: string,
  token: string,
): Promise<Record<string, unknown> | undefined> {
  let claims = verifyAccessToken(keyRings.ring, token)
  if (!claims && token.split('.').length === 3) {
    // A key that another node made a moment ago is no stranger.
    await keyRings.follow()
    claims = verifyAccessToken(keyRings.ring, token)
  }
  return claims && mayBeRecorded(claims, issuer) ? claims : undefined
}
