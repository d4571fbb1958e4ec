import { readTokenClaims } from '../tokens/presented-claims.ts'
import { callEngine, clientEndpoint, type Endpoint, parse } from './client-endpoint.ts'
import { authenticateClient } from './endpoint-authentication.ts'
import type { FormStep } from './endpoint-requests.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** The token in a form: the claims of a JWT that this server signed, a refresh token, or neither. */
export interface PresentedToken {
  readonly claims?: Record<string, unknown>
  readonly refreshToken?: string
}

export async function readPresentedToken(services: OidcServices, form: Form): Promise<PresentedToken> {
  const { keyRings, issuerUrl } = services
  const { token } = form
  if (typeof token !== 'string') return {}
  if (token.startsWith('kwr_')) return { refreshToken: token }
  return { claims: await readTokenClaims(keyRings, issuerUrl(), token) }
}

/**
 * Verifies the JWT to revoke, sets `presented` to its claims, and gives the engine an opaque handle, because the engine
 * refuses to revoke JWTs. Any other text becomes a handle that the engine does not find, so that an unknown token gets the
 * same response as a known one (guarantee 7).
 */
function takePresentedToken(services: OidcServices): FormStep {
  return async (ctx, form) => {
    if (typeof form.token !== 'string') return
    const { claims, refreshToken } = await readPresentedToken(services, form)
    ctx.state.presented = claims
    form.token = refreshToken ?? (claims ? `jti:${claims.jti}` : 'none')
  }
}

/**
 * Responds to a successful revocation with an empty JSON object. RFC 7009, section 2.2, tells clients to ignore the body, but
 * several parse it (oidc-client-ts, simple-oauth2) and fail on the engine's empty text.
 */
function respondWithEmptyObject(ctx: OidcContext): void {
  if (ctx.status === 200) ctx.body = {}
}

/** Token revocation (RFC 7009). */
export function revocationEndpoint(services: OidcServices, engine: Endpoint) {
  return clientEndpoint(services, [
    parse(takePresentedToken(services)),
    authenticateClient(services, { allowPublic: true }),
    callEngine(engine),
    respondWithEmptyObject,
  ])
}
