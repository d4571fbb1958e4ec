import type { Next } from 'koa'
import { readTokenClaims } from '../tokens/presented-claims.ts'
import { type FormStep, handToEngine } from './endpoint-requests.ts'
import { formEndpoint } from './form-endpoint.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** The token that a form shows: the claims of a JWT of ours, a refresh token, or nothing that we ever issued. */
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
 * The engine refuses to revoke JWTs before it asks anyone. So the JWT is verified here, its claims are put aside, and
 * the engine gets a handle that it does not take for one. What is not a JWT of ours becomes a handle to nothing, so that
 * the caller is authenticated all the same and learns nothing (promise 7).
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
 * Answers a successful revocation with an empty JSON object. RFC 7009, section 2.2, tells clients to ignore the body, but
 * several parse it (oidc-client-ts, simple-oauth2) and fail on the engine's empty text.
 */
async function answerEmptyObject(ctx: OidcContext, next: Next): Promise<void> {
  await next()
  if (ctx.status === 200 && ctx.method === 'POST') ctx.body = {}
}

export const revocationEndpoint = (services: OidcServices) => [
  formEndpoint(takePresentedToken(services)),
  answerEmptyObject,
  handToEngine,
]
