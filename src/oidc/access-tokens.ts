import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { revokeRefreshToken } from '../refresh/refresh-token-revocation.ts'
import type { ActiveToken } from '../tokens/access-token-store.ts'
import type { IssuedToken, TokenRequest } from '../tokens/issuance.ts'
import { revokeToken } from '../tokens/revocation.ts'
import { introspectAs } from '../tokens/token-introspection.ts'
import { revokeUnrecordedToken, toUnrecordedToken } from '../tokens/unrecorded-tokens.ts'
import { redeemCode } from './code-redemption.ts'
import { inEngineTerms } from './engine-errors.ts'
import { bindingOf, type EngineToken } from './engine-tokens.ts'
import type { OidcServices } from './oidc-services.ts'
import { actorOf, clientOf, type OidcContext } from './request-state.ts'
import { findForUserinfo } from './userinfo.ts'

/**
 * Puts the ledger in place of the engine's storage. `save` is awaited before the answer is sent, so nothing is answered
 * that was not recorded; `find` answers only for JWTs, whose claims the face has verified and put aside.
 */
export function useAccessTokenStore(provider: Provider, services: OidcServices): void {
  const { issuer, accessTokenStore, refreshTokens, authenticator, database, metrics } = services
  const context = () => services.engineContext() as KoaContextWithOIDC & OidcContext

  function requestFor(token: EngineToken, client: AuthenticatedClient, ctx: KoaContextWithOIDC): TokenRequest {
    const params = ctx.oidc.params ?? {}
    return {
      client,
      resource: typeof token.aud === 'string' ? token.aud : undefined,
      // The engine drops what was not granted without a word; RFC 6749, section 5.2, has an error for it.
      scope: params.scope as string | undefined,
      subject: '',
      grantId: null,
      extra: bindingOf(token),
    }
  }

  async function save(this: EngineToken): Promise<string> {
    const ctx = context()
    const issued = await inEngineTerms(() => (this.accountId ? redeemCode(this, ctx, services) : issue(this, ctx)))
    this.jti = issued.jti
    this.expiresIn = issued.expiresIn
    this.scope = issued.scope
    ctx.state.issued = issued
    return issued.accessToken
  }

  function issue(token: EngineToken, ctx: KoaContextWithOIDC & OidcContext): Promise<IssuedToken> {
    const client = clientOf(ctx, authenticator, ctx.oidc.client!)
    const request = requestFor(token, client, ctx)
    return client.registration.clientCredentialsRefresh ? begin(request) : issuer.issue(request)
  }

  async function begin(request: TokenRequest) {
    const issued = await refreshTokens.begin(request)
    metrics.legacyOptionUses.inc({ kind: 'client_credentials_refresh' })
    services.legacyOptionUses.note(request.client.registration.clientId, 'client_credentials_refresh')
    return issued
  }

  /** An active token as the engine sees it, to judge whether the caller may know of it. */
  function toEngineToken(token: ActiveToken): EngineToken {
    const engineToken = new (provider.AccessToken as unknown as new () => EngineToken)()
    return Object.assign(engineToken, {
      jti: token.jti,
      clientId: token.clientId,
      aud: token.audience,
      scope: token.scope,
      iat: Math.floor(token.issuedAt.getTime() / 1000),
      exp: Math.floor(token.expiresAt.getTime() / 1000),
      destroy: async () => {
        await revokeToken(database.knex, token.jti, actorOf(context()))
      },
    })
  }

  /**
   * A JWT of ours that is not active, shown to be revoked. It may be unknown because the database lost it in a failover, and
   * then resource servers still accept it.
   */
  function toInactiveToken(claims: Record<string, unknown>): EngineToken | undefined {
    const token = toUnrecordedToken(claims)
    if (!token) return undefined
    const engineToken = new (provider.AccessToken as unknown as new () => EngineToken)()
    return Object.assign(engineToken, {
      ...{ jti: token.jti, clientId: token.clientId, aud: token.audience, scope: token.scope },
      ...{ iat: token.issuedAt, exp: token.expiresAt },
      destroy: async () => {
        await revokeUnrecordedToken(database.knex, token, actorOf(context()))
      },
    })
  }

  async function find(): Promise<EngineToken | undefined> {
    const ctx = context()
    if (ctx.oidc.route === 'userinfo') {
      const { presented } = ctx.state
      return presented && ((await findForUserinfo(provider, services, presented)) as EngineToken | undefined)
    }
    const caller = clientOf(ctx, authenticator, ctx.oidc.client!)
    const inspected = await inEngineTerms(() => introspectAs(accessTokenStore, caller, ctx.state.presented))
    ctx.state.client = inspected.client
    if (inspected.token) return toEngineToken(inspected.token)
    return ctx.oidc.route === 'revocation' && ctx.state.presented ? toInactiveToken(ctx.state.presented) : undefined
  }

  for (const model of [provider.AccessToken, provider.ClientCredentials]) {
    Object.assign(model.prototype, { save })
  }
  Object.assign(provider.AccessToken, { find })
  // The ledger answers for both kinds, through the other one.
  Object.assign(provider.ClientCredentials, { find: async () => undefined })

  Object.assign(provider.RefreshToken, {
    async find(value: string) {
      const found = await refreshTokens.find(value)
      if (!found) return undefined
      const engineToken = new (provider.RefreshToken as unknown as new () => object)()
      return Object.assign(engineToken, {
        clientId: found.clientId,
        scope: found.scope,
        iat: Math.floor(found.issuedAt.getTime() / 1000),
        exp: Math.floor(found.expiresAt.getTime() / 1000),
        extra: { sub: found.subject || found.clientId },
        isSenderConstrained: () => false,
        destroy: () => revokeRefreshToken(database.knex, found.grantId, actorOf(context())),
      })
    },
  })
}
