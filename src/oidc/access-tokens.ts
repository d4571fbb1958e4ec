import type Provider from 'oidc-provider'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { IssuedTokens } from '../refresh/refresh-token-families.ts'
import { revokeRefreshToken } from '../refresh/refresh-token-revocation.ts'
import type { RefreshTokens } from '../refresh/refresh-tokens.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { ActiveToken } from '../tokens/access-token-store.ts'
import type { TokenRequest } from '../tokens/planned-token.ts'
import { revokeToken } from '../tokens/revocation.ts'
import { introspectAs } from '../tokens/token-introspection.ts'
import { revokeUnrecordedToken, toUnrecordedToken } from '../tokens/unrecorded-tokens.ts'
import { redeemCode } from './code-redemption.ts'
import { inEngineTerms } from './engine-errors.ts'
import {
  createEngineToken,
  type EngineContext,
  type EngineToken,
  engineContext,
  findAccessTokensBy,
  findRefreshTokensBy,
  saveAccessTokensBy,
} from './engine-internals.ts'
import { bindingOf } from './engine-tokens.ts'
import type { OidcServices } from './oidc-services.ts'
import { actorOf, clientOf } from './request-state.ts'
import { findForUserinfo } from './userinfo.ts'

function toTokenRequest(token: EngineToken, client: AuthenticatedClient, ctx: EngineContext): TokenRequest {
  const params = ctx.oidc.params ?? {}
  return {
    client,
    resource: typeof token.aud === 'string' ? token.aud : undefined,
    // The engine removes scopes that are not granted without an error; RFC 6749, section 5.2, has one.
    scope: params.scope as string | undefined,
    subject: '',
    accountId: null,
    metadata: null,
    grantId: null,
    extra: bindingOf(token),
  }
}

/** A legacy compatibility option: client_credentials with a refresh token. */
async function issueWithRefreshToken(request: TokenRequest, services: OidcServices): Promise<IssuedTokens> {
  const issued = await services.refreshTokens.issue(request)
  services.metrics.legacyOptionUses.inc({ kind: 'client_credentials_refresh' })
  services.legacyOptionUses.record(request.client.registration.clientId, 'client_credentials_refresh')
  return issued
}

async function issueToClient(token: EngineToken, ctx: EngineContext, services: OidcServices): Promise<IssuedTokens> {
  const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
  const request = toTokenRequest(token, client, ctx)
  if (client.registration.clientCredentialsRefresh) return await issueWithRefreshToken(request, services)
  return await services.clientTokens.issue(request)
}

/** Issues the token that the engine is about to save, and returns the JWT. */
async function save(token: EngineToken, services: OidcServices): Promise<string> {
  const ctx = engineContext()!
  const issue = token.accountId ? redeemCode : issueToClient
  const issued = await inEngineTerms(() => issue(token, ctx, services))
  Object.assign(token, { jti: issued.jti, expiresIn: issued.expiresIn, scope: issued.scope })
  ctx.state.issued = issued
  return issued.accessToken
}

/** The engine compares `clientId` with the caller, and revokes by `destroy`. */
function toEngineToken(provider: Provider, { database }: OidcServices, token: ActiveToken): EngineToken {
  return createEngineToken(provider, {
    jti: token.jti,
    clientId: token.clientId,
    aud: token.audience,
    scope: token.scope,
    iat: epochSeconds(token.issuedAt),
    exp: epochSeconds(token.expiresAt),
    destroy: async () => {
      await revokeToken(database.knex, token.jti, actorOf(engineContext()!))
    },
  })
}

/**
 * A JWT of this server that is not active, as a token that can be revoked. The database may have lost its record in a
 * failover, and then resource servers still accept it.
 */
function toUnrecordedEngineToken(provider: Provider, { database }: OidcServices, claims: Record<string, unknown>) {
  const token = toUnrecordedToken(claims)
  if (!token) return undefined
  return createEngineToken(provider, {
    jti: token.jti,
    clientId: token.clientId,
    aud: token.audience,
    scope: token.scope,
    iat: token.issuedAt,
    exp: token.expiresAt,
    destroy: async () => {
      await revokeUnrecordedToken(database.knex, token, actorOf(engineContext()!))
    },
  })
}

/** The token to revoke, by the claims that were verified before the engine was called. */
async function findToRevoke(provider: Provider, services: OidcServices): Promise<EngineToken | undefined> {
  const ctx = engineContext()!
  const { presented } = ctx.state
  const caller = clientOf(ctx, services.authenticator, ctx.oidc.client!)
  const { client, token } = await inEngineTerms(() => introspectAs(services.accessTokenStore, caller, presented))
  ctx.state.client = client
  if (token) return toEngineToken(provider, services, token)
  return presented && toUnrecordedEngineToken(provider, services, presented)
}

async function find(provider: Provider, services: OidcServices): Promise<EngineToken | undefined> {
  const { oidc, state } = engineContext()!
  if (oidc.route !== 'userinfo') return await findToRevoke(provider, services)
  return state.presented && (await findForUserinfo(provider, services, state.presented))
}

async function findRefreshToken(refreshTokens: RefreshTokens, { database }: OidcServices, value: string) {
  const found = await refreshTokens.find(value)
  return (
    found && {
      clientId: found.clientId,
      scope: found.scope,
      iat: epochSeconds(found.issuedAt),
      exp: epochSeconds(found.expiresAt),
      extra: { sub: found.subject || found.clientId },
      isSenderConstrained: () => false,
      destroy: () => revokeRefreshToken(database.knex, found.grantId, actorOf(engineContext()!)),
    }
  )
}

/**
 * Replaces the engine's token storage by the access-token store and the refresh tokens. A token is recorded before the
 * response is sent.
 */
export function useAccessTokenStore(provider: Provider, services: OidcServices): void {
  saveAccessTokensBy(provider, (token) => save(token, services))
  findAccessTokensBy(provider, () => find(provider, services))
  findRefreshTokensBy(provider, (value) => findRefreshToken(services.refreshTokens, services, value))
}
