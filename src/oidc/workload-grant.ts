import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { CLIENT_CREDENTIALS_GRANT } from '../clients/grant-types.ts'
import type { AssertionHandler } from './assertion-handler.ts'
import { inEngineTerms, OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { provenKey } from './proven-key.ts'
import { clientOf } from './request-state.ts'

/**
 * Issues a token to a workload whose own token is the grant (RFC 7523, section 2.1). That token has authenticated the client, and the client
 * gets what it gets for client_credentials.
 */
export function createWorkloadHandler(provider: Provider, services: OidcServices): AssertionHandler {
  return async (ctx) => {
    if (!ctx.state.isProvedByGrant)
      throw new errors.InvalidGrant('the assertion is of no kind that this client may use')
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    if (!client.registration.grants.includes(CLIENT_CREDENTIALS_GRANT))
      throw new OAuthError(400, 'unauthorized_client', `the client may not use ${CLIENT_CREDENTIALS_GRANT}`)
    const jkt = await provenKey(provider, ctx as never)
    const { scope, resource } = (ctx.oidc.params ?? {}) as Record<string, string | undefined>
    const own = { subject: '', accountId: null, metadata: null, grantId: null }
    const request = { client, resource, scope, ...own, ...(jkt && { extra: { cnf: { jkt } } }) }
    ctx.state.issued = await inEngineTerms(() => services.clientTokens.issue(request))
    ctx.body = { token_type: jkt ? 'DPoP' : 'Bearer' }
  }
}
