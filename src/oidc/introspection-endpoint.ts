import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { signJwt } from '../keys/jwt.ts'
import { epochSeconds } from '../shared/clock.ts'
import { introspectAs } from '../tokens/token-introspection.ts'
import { authenticateClient } from './client-credentials.ts'
import { readRequest } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { type PresentedToken, readPresentedToken } from './presented-tokens.ts'
import type { Form, OidcContext } from './request-state.ts'

const SIGNED = 'application/token-introspection+jwt'

const INACTIVE = { active: false } as const

type Answer = { readonly active: boolean } & Record<string, unknown>

function refuseRepeated(form: Form): void {
  for (const name of ['token', 'token_type_hint']) {
    if (Array.isArray(form[name])) throw new OAuthError(400, 'invalid_request', `${name} is given twice`)
  }
}

/** Whether a caller may know of a token: an API of those meant for it, any other client of its own. */
function mayKnow({ registration }: AuthenticatedClient, token: { clientId: string; audience: string }): boolean {
  const { resourceServer } = registration
  return resourceServer ? token.audience === resourceServer.identifier : token.clientId === registration.clientId
}

/** All that an active JWT says of itself (RFC 7662, section 2.2), key bindings included. */
function describe(claims: Record<string, unknown>): Answer {
  const cnf = claims.cnf as { jkt?: string } | undefined
  return { active: true, token_type: cnf?.jkt ? 'DPoP' : 'Bearer', ...claims }
}

/**
 * Token introspection (RFC 7662), which the engine refuses for JWTs. The caller is authenticated by what is remembered
 * of it; the one statement that looks the token up also says whether the caller is still who it was.
 */
export function introspectionEndpoint(services: OidcServices) {
  const { accessTokenStore, refreshTokens, keyRings, issuerUrl } = services

  async function answer(caller: AuthenticatedClient, presented: PresentedToken): Promise<Answer> {
    const { client, token } = await introspectAs(accessTokenStore, caller, presented.claims)
    if (token && presented.claims) return mayKnow(client, token) ? describe(presented.claims) : INACTIVE
    const refresh = presented.refreshToken && (await refreshTokens.find(presented.refreshToken))
    if (!refresh || refresh.clientId !== client.registration.clientId) return INACTIVE
    return {
      active: true,
      client_id: refresh.clientId,
      sub: refresh.subject || refresh.clientId,
      scope: refresh.scope,
      iss: issuerUrl(),
      iat: epochSeconds(refresh.issuedAt),
      exp: epochSeconds(refresh.expiresAt),
    }
  }

  /** RFC 9701: the same answer as a JWT for its one reader, for those who keep it as evidence. */
  async function sign(ctx: OidcContext, { registration }: AuthenticatedClient, body: Answer): Promise<void> {
    const key = keyRings.ring.current(registration.resourceServer?.signingAlg ?? 'ES256')
    const claims = { iss: issuerUrl(), aud: registration.clientId, iat: epochSeconds(), token_introspection: body }
    ctx.body = await signJwt(key, 'token-introspection+jwt', claims)
    ctx.type = SIGNED
  }

  return async (ctx: OidcContext): Promise<void> => {
    const form = await readRequest(ctx)
    refuseRepeated(form)
    const caller = await authenticateClient(services, ctx, form)
    if (typeof form.token !== 'string') {
      throw new OAuthError(400, 'invalid_request', "missing required parameter 'token'")
    }
    const body = await answer(caller, await readPresentedToken(services, form))
    if (ctx.get('accept').includes(SIGNED)) await sign(ctx, caller, body)
    else ctx.body = body
  }
}
