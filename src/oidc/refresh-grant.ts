import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { inEngineTerms } from './engine-errors.ts'
import type { OidcServices } from './face.ts'
import { clientOf, type OidcContext } from './request-state.ts'

/**
 * Redeems refresh tokens in one transaction, in place of the engine's handler, which consumes, saves and records in
 * three: a crash in between would leave a client with nothing to show.
 */
export function useRefreshGrant(provider: Provider, services: OidcServices): void {
  async function handle(ctx: KoaContextWithOIDC & OidcContext): Promise<void> {
    const token = ctx.oidc.params?.refresh_token
    if (typeof token !== 'string' || token === '')
      throw new errors.InvalidRequest('missing required parameter refresh_token')
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    const scope = ctx.oidc.params?.scope as string | undefined
    const issued = await inEngineTerms(() => services.refreshTokens.redeem(client, token, scope))
    services.metrics.tokensIssued.inc({ grant_type: 'refresh_token' })
    ctx.state.refresh = issued
    ctx.body = {
      access_token: issued.accessToken,
      token_type: 'Bearer',
      expires_in: issued.expiresIn,
      scope: issued.scope,
    }
  }
  provider.registerGrantType('refresh_token', handle as never, ['refresh_token', 'scope'])
}
