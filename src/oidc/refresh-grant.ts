import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { RedeemedTokens } from '../refresh/refresh-token-rotation.ts'
import { findAccount } from './engine-accounts.ts'
import { inEngineTerms } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { provenKey } from './proven-key.ts'
import { takeFromPublicClient } from './public-client-limits.ts'
import { clientOf, type OidcContext } from './request-state.ts'

type Context = KoaContextWithOIDC & OidcContext

/**
 * The handler that redeems refresh tokens in one transaction. The engine's handler uses three: a crash between them would leave the client
 * without a valid refresh token.
 */
export function createRefreshHandler(provider: Provider, services: OidcServices) {
  /** The ID token of the sign-in, without its nonce (OpenID Connect Core, section 12.2). */
  async function idTokenOf(ctx: Context, { subject, scope, signIn }: RedeemedTokens): Promise<string | undefined> {
    const scopes = scope.split(' ').filter((one) => IDENTITY_SCOPES.includes(one))
    if (!signIn || !scopes.includes('openid')) return undefined
    const account = await findAccount(ctx, subject, services, false)
    if (!account) throw new errors.InvalidGrant('the user may no longer sign in')
    const { authTime, acr, amr, sid, claims } = signIn
    const about = await account.claims('id_token', scopes.join(' '), {}, [])
    const available = { ...about, auth_time: authTime, acr, amr }
    const idToken = new provider.IdToken(available as never, { ctx })
    Object.assign(idToken, { mask: claims?.id_token })
    if (sid) idToken.set('sid', sid)
    return await idToken.issue({ use: 'idtoken' })
  }

  /** Whether the token is the present one of the public client that the request names. Anybody can name it. */
  async function isOwnToken({ registration }: AuthenticatedClient, token: string): Promise<boolean> {
    const found = await services.refreshTokens.find(token)
    return found?.clientId === registration.clientId
  }

  /** The thumbprint of the proven key. A public client is counted once its refresh token is valid, a confidential one after it authenticated. */
  async function prove(ctx: Context, client: AuthenticatedClient, token: string): Promise<string | undefined> {
    const { isPublic, rateLimit } = client.registration
    const mustKnow = isPublic && (rateLimit !== null || ctx.get('dpop') !== '')
    const isOwn = mustKnow && (await inEngineTerms(() => isOwnToken(client, token)))
    ctx.state.isAnonymous = mustKnow && !isOwn
    const jkt = await provenKey(provider, ctx as never)
    if (isOwn) await inEngineTerms(() => takeFromPublicClient(ctx, client.registration, services))
    return jkt
  }

  return async (ctx: Context): Promise<void> => {
    const token = ctx.oidc.params?.refresh_token
    if (typeof token !== 'string' || token === '')
      throw new errors.InvalidRequest('missing required parameter refresh_token')
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    const jkt = await prove(ctx, client, token)
    const { scope, resource } = (ctx.oidc.params ?? {}) as Record<string, string | undefined>
    const presented = { token, scope, resource, jkt }
    const issued = await inEngineTerms(() => services.refreshTokens.redeem(client, presented))
    const idToken = await idTokenOf(ctx, issued)
    ctx.state.issued = issued
    ctx.body = { token_type: jkt ? 'DPoP' : 'Bearer', ...(idToken && { id_token: idToken }) }
  }
}
