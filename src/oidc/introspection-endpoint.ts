import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { signJwt } from '../keys/jwt.ts'
import { epochSeconds } from '../shared/clock.ts'
import { introspectAs } from '../tokens/token-introspection.ts'
import { clientEndpoint, parse } from './client-endpoint.ts'
import { authenticateClient } from './endpoint-authentication.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { type PresentedToken, readPresentedToken } from './presented-tokens.ts'
import type { Form, OidcContext } from './request-state.ts'

const SIGNED = 'application/token-introspection+jwt'

const INACTIVE = { active: false } as const

type IntrospectionResponse = { readonly active: boolean } & Record<string, unknown>

function refuseRepeated(_ctx: OidcContext, form: Form): void {
  for (const name of ['token', 'token_type_hint']) {
    if (Array.isArray(form[name])) throw new OAuthError(400, 'invalid_request', `${name} is given twice`)
  }
}

/** Whether a caller may introspect a token: an API those for itself, any other client its own. */
function mayIntrospect({ registration }: AuthenticatedClient, token: { clientId: string; audience: string }): boolean {
  const { resourceServer } = registration
  return resourceServer ? token.audience === resourceServer.identifier : token.clientId === registration.clientId
}

/** The claims of an active JWT (RFC 7662, section 2.2), with its key binding. */
function describe(claims: Record<string, unknown>): IntrospectionResponse {
  const cnf = claims.cnf as { jkt?: string } | undefined
  return { active: true, token_type: cnf?.jkt ? 'DPoP' : 'Bearer', ...claims }
}

/** A cached registration serves: the statement that looks the token up also checks that the registration is current. */
const mayUseCache = () => true

/** Token introspection (RFC 7662), without the engine, which refuses JWTs. */
export function introspectionEndpoint(services: OidcServices) {
  const { accessTokenStore, refreshTokens, keyRings, revocationFollowers, issuerUrl } = services

  async function introspect(caller: AuthenticatedClient, presented: PresentedToken): Promise<IntrospectionResponse> {
    const { client, token } = await introspectAs(accessTokenStore, caller, presented.claims)
    if (token && presented.claims) return mayIntrospect(client, token) ? describe(presented.claims) : INACTIVE
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

  /** RFC 9701: the same response as a signed JWT for its caller, which may store it as evidence. */
  async function sign(
    ctx: OidcContext,
    { registration }: AuthenticatedClient,
    body: IntrospectionResponse,
  ): Promise<void> {
    const alg = registration.resourceServer?.signingAlg ?? 'ES256'
    // The first API with this algorithm may have been created a moment ago.
    if (!keyRings.ring.has(alg)) await keyRings.follow()
    const key = keyRings.ring.current(alg)
    const claims = { iss: issuerUrl(), aud: registration.clientId, iat: epochSeconds(), token_introspection: body }
    ctx.body = await signJwt(key, 'token-introspection+jwt', claims)
    ctx.type = SIGNED
  }

  async function respond(ctx: OidcContext): Promise<void> {
    const { form, client } = ctx.state
    if (typeof form?.token !== 'string') {
      throw new OAuthError(400, 'invalid_request', "missing required parameter 'token'")
    }
    const { resourceServer } = client!.registration
    if (resourceServer) revocationFollowers.noteApi('introspection', resourceServer.id, ctx.ip)
    const body = await introspect(client!, await readPresentedToken(services, form))
    if (ctx.get('accept').includes(SIGNED)) await sign(ctx, client!, body)
    else ctx.body = body
  }

  return clientEndpoint(services, [parse(refuseRepeated), authenticateClient(services, { mayUseCache }), respond])
}
