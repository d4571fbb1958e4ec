import { callEngine, clientEndpoint, type Endpoint, parse, type Step } from './client-endpoint.ts'
import { takeAudience, takeDeclaredResource } from './declared-resources.ts'
import { authenticateClient, renewClient } from './endpoint-authentication.ts'
import { OAuthError } from './engine-errors.ts'
import { authorizePlainRequest, isPlainRequest } from './fast-path.ts'
import { takeQueryParameters } from './legacy-query-parameters.ts'
import type { OidcServices } from './oidc-services.ts'
import { setRateLimitHeaders } from './rate-limit-headers.ts'
import type { Form, OidcContext } from './request-state.ts'
import { limitRate } from './token-rate-limit.ts'

/** One API per token: RFC 8707, section 2.2, lets a server refuse several. */
function checkResource(_ctx: OidcContext, form: Form): void {
  if (Array.isArray(form.resource)) throw new OAuthError(400, 'invalid_target', 'a token is for one API only')
}

/**
 * Issues the token that the fast path authorized. The engine authorizes and issues for every other request, and for one
 * whose registration changed meanwhile. The use of an assertion is recorded with the token, or when the client is renewed.
 */
function issue(services: OidcServices, engine: Step): Step {
  const limit = limitRate(services)
  return async (ctx) => {
    const { tokenRequest } = ctx.state
    ctx.state.issued = tokenRequest && (await services.clientTokens.issueOnce(tokenRequest))
    if (ctx.state.issued) return
    if (tokenRequest) {
      await renewClient(ctx)
      await limit(ctx)
    }
    await engine(ctx)
  }
}

/** The response of RFC 6749, section 5.1. The engine adds an ID token, and the `token_type` of DPoP. */
function respond(ctx: OidcContext): void {
  const { issued, failure } = ctx.state
  if (!issued || failure) return
  const { accessToken, expiresIn, scope, refreshToken, refreshTokenExpiresIn, quota } = issued
  if (quota) setRateLimitHeaders(ctx, quota.uses)
  ctx.body = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresIn,
    scope,
    ...(ctx.body as object | undefined),
    ...(refreshToken !== undefined && {
      refresh_token: refreshToken,
      refresh_token_expires_in: refreshTokenExpiresIn,
    }),
  }
}

/** The token endpoint (RFC 6749, section 3.2). */
export function tokenEndpoint(services: OidcServices, engine: Endpoint) {
  return clientEndpoint(services, [
    parse(takeQueryParameters(services), takeAudience, checkResource, takeDeclaredResource(services)),
    authenticateClient(services, {
      withApiKey: true,
      allowPublic: true,
      checkNetwork: true,
      mayUseCache: isPlainRequest,
      defersUse: isPlainRequest,
    }),
    limitRate(services),
    authorizePlainRequest,
    issue(services, callEngine(engine)),
    respond,
  ])
}
