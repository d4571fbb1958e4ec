import type { Next } from 'koa'
import { signJwt, verifyJwt } from '../keys/jwt.ts'
import { epochSeconds } from '../shared/clock.ts'
import { type FormStep, formEndpoint } from './endpoint-requests.ts'
import type { OidcServices } from './face.ts'
import type { OidcContext } from './request-state.ts'

const SIGNED_INTROSPECTION = 'application/token-introspection+jwt'

/**
 * The engine refuses JWTs at introspection and revocation before it asks anyone. So the JWT is verified here, its claims
 * are put aside, and the engine gets a handle that it does not take for one. What is not a JWT of ours becomes a handle
 * to nothing, so that the caller is authenticated all the same and learns nothing (promise 7).
 */
function takePresentedToken({ keyRings, issuerUrl }: OidcServices): FormStep {
  return async (ctx, form) => {
    const { token } = form
    if (typeof token !== 'string' || token.startsWith('kwr_') || token === '') return
    let claims = verifyJwt(keyRings.ring, token, 'at+jwt')
    if (!claims && token.split('.').length === 3) {
      // A key that another node made a moment ago is no stranger.
      await keyRings.follow()
      claims = verifyJwt(keyRings.ring, token, 'at+jwt')
    }
    if (claims?.iss === issuerUrl()) ctx.state.presented = claims
    form.token = ctx.state.presented ? `jti:${claims!.jti}` : 'none'
  }
}

/** Says of an active JWT all that it says itself (RFC 7662, section 2.2), key bindings included. */
async function describeToken(ctx: OidcContext, next: Next): Promise<void> {
  await next()
  const { presented } = ctx.state
  const body = ctx.body as { active?: boolean } | undefined
  if (ctx.status !== 200 || body?.active !== true || !presented) return
  const cnf = presented.cnf as { jkt?: string } | undefined
  ctx.body = { active: true, token_type: cnf?.jkt ? 'DPoP' : 'Bearer', ...presented }
}

/** RFC 9701: the same answer as a JWT for its one reader, for those who keep it as evidence. */
function signAnswer({ keyRings, issuerUrl }: OidcServices) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    const wanted = ctx.get('accept').includes(SIGNED_INTROSPECTION)
    await next()
    if (!wanted || ctx.status !== 200) return
    const { registration } = ctx.state.client!
    const key = keyRings.ring.current(registration.resourceServer?.signingAlg ?? 'ES256')
    ctx.body = await signJwt(key, 'token-introspection+jwt', {
      iss: issuerUrl(),
      aud: registration.clientId,
      iat: epochSeconds(),
      token_introspection: ctx.body,
    })
    ctx.type = SIGNED_INTROSPECTION
  }
}

export const introspectionEndpoint = (services: OidcServices) => [
  signAnswer(services),
  describeToken,
  formEndpoint(takePresentedToken(services)),
]

export const revocationEndpoint = (services: OidcServices) => [formEndpoint(takePresentedToken(services))]
