import type { Next } from 'koa'
import type Provider from 'oidc-provider'
import { findConsent } from '../consents/consents.ts'
import { presentedThumbprint } from '../http/certificate-header.ts'
import { epochSeconds } from '../shared/clock.ts'
import { readForm } from './endpoint-requests.ts'
import { createEngineToken } from './engine-internals.ts'
import type { OidcServices } from './oidc-services.ts'
import { readPresentedToken } from './presented-tokens.ts'
import { refuseWeakProof } from './proven-key.ts'
import type { OidcContext } from './request-state.ts'

/** Whether the request has the certificate to which its token is bound, if it is bound to one. */
function isBoundTo(ctx: OidcContext, { cnf }: Record<string, unknown>): boolean {
  const { 'x5t#S256': thumbprint } = (cnf ?? {}) as { 'x5t#S256'?: unknown }
  return thumbprint === undefined || thumbprint === presentedThumbprint(ctx)
}

/**
 * Verifies the JWT of a userinfo request and sets `presented` to its claims, because the engine does not read JWTs. The
 * engine then checks how the token was sent (RFC 6750, section 2; RFC 9449).
 */
export function takeBearerToken(services: OidcServices) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    if (ctx.method === 'POST') ctx.state.form = await readForm(ctx)
    const [, inHeader] = /^(?:bearer|dpop) +(\S+)$/i.exec(ctx.get('authorization')) ?? []
    const token = inHeader ?? ctx.state.form?.access_token
    const { claims } = await readPresentedToken(services, { token })
    // Without its certificate (RFC 8705, section 3) the token is invalid: the engine responds as for an unknown one.
    if (claims && isBoundTo(ctx, claims)) ctx.state.presented = claims
    if (claims && ctx.get('dpop')) {
      ctx.state.tokenHolder = await services.registrations.fresh(String(claims.client_id))
      if (ctx.state.tokenHolder) refuseWeakProof(ctx, ctx.state.tokenHolder)
    }
    await next()
  }
}

/**
 * The active access token of a userinfo request, as the engine expects it, without its audience: a token for any API serves,
 * if it has the scope `openid`.
 */
export async function findForUserinfo(provider: Provider, services: OidcServices, claims: Record<string, unknown>) {
  const token = { jti: String(claims.jti), expiresAt: Number(claims.exp) }
  const { token: active } = await services.accessTokenStore.introspect({ callerKey: 0, callerVersion: 0, token })
  if (!active?.subject) return undefined
  // A token of the previous version may lack the claim; one for an operator does.
  const { account_id: accountId } = claims as { account_id?: string }
  const parties = { userId: active.subject, accountId, clientKey: active.clientKey }
  const consent = await findConsent(services.database.reader, parties)
  const { jkt } = (claims.cnf ?? {}) as { jkt?: string }
  return createEngineToken(provider, {
    jti: active.jti,
    clientId: active.clientId,
    accountId: active.subject,
    grantId: consent?.id,
    scope: active.scope,
    claims: claims.claims,
    jkt,
    iat: epochSeconds(active.issuedAt),
    exp: epochSeconds(active.expiresAt),
  })
}
