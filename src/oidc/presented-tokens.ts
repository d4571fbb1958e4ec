import { verifyAccessToken } from '../keys/jwt.ts'
import { isId } from '../shared/ids.ts'
import { type Form, type FormStep, formEndpoint, handToEngine } from './endpoint-requests.ts'
import type { OidcServices } from './services.ts'

/** The token that a form shows: the claims of a JWT of ours, a refresh token, or nothing that we ever issued. */
export interface PresentedToken {
  readonly claims?: Record<string, unknown>
  readonly refreshToken?: string
}

/** The last second of the year 9999, beyond which PostgreSQL's own time has an end too. */
const LATEST = 253_402_300_799

/** Whether the claims can be those of a row of the ledger; other JWTs of ours (signed answers) have none. */
function mayBeRecorded(claims: Record<string, unknown>, issuer: string): boolean {
  const { iss, jti, exp } = claims
  if (iss !== issuer || typeof jti !== 'string' || !isId(jti)) return false
  return Number.isInteger(exp) && Number(exp) > 0 && Number(exp) <= LATEST
}

export async function readPresentedToken(services: OidcServices, form: Form): Promise<PresentedToken> {
  const { keyRings, issuerUrl } = services
  const { token } = form
  if (typeof token !== 'string') return {}
  if (token.startsWith('kwr_')) return { refreshToken: token }
  let claims = verifyAccessToken(keyRings.ring, token)
  if (!claims && token.split('.').length === 3) {
    // A key that another node made a moment ago is no stranger.
    await keyRings.follow()
    claims = verifyAccessToken(keyRings.ring, token)
  }
  return claims && mayBeRecorded(claims, issuerUrl()) ? { claims } : {}
}

/**
 * The engine refuses to revoke JWTs before it asks anyone. So the JWT is verified here, its claims are put aside, and
 * the engine gets a handle that it does not take for one. What is not a JWT of ours becomes a handle to nothing, so that
 * the caller is authenticated all the same and learns nothing (promise 7).
 */
function takePresentedToken(services: OidcServices): FormStep {
  return async (ctx, form) => {
    if (typeof form.token !== 'string' || form.token === '') return
    const { claims, refreshToken } = await readPresentedToken(services, form)
    ctx.state.presented = claims
    form.token = refreshToken ?? (claims ? `jti:${claims.jti}` : 'none')
  }
}

export const revocationEndpoint = (services: OidcServices) => [formEndpoint(takePresentedToken(services)), handToEngine]
