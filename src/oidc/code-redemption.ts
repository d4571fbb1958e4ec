import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { SignInFacts } from '../refresh/refresh-token-families.ts'
import { idFrom } from '../shared/ids.ts'
import { claimCode } from './adapter.ts'
import { bindingOf, type EngineToken } from './engine-tokens.ts'
import type { OidcServices } from './oidc-services.ts'
import { takeFromPublicClient } from './public-client-limits.ts'
import { clientOf, type OidcContext } from './request-state.ts'

/** What the engine keeps of an authorization or device code. */
interface Code {
  readonly kind: string
  readonly jti: string
  readonly grantId: string
  readonly scope?: string
  readonly authTime?: number
  readonly acr?: string
  readonly amr?: string[]
  readonly sid?: string
  readonly claims?: { readonly userinfo?: object }
}

const codeOf = ({ oidc }: KoaContextWithOIDC) => (oidc.entities.AuthorizationCode ?? oidc.entities.DeviceCode) as Code

const factsOf = ({ authTime, acr, amr, sid, claims }: Code): SignInFacts => ({ authTime, acr, amr, sid, claims })

/**
 * OpenID Connect has a scope for it (Core, section 11); for plain OAuth it is as the registration says, since RFC 6749
 * leaves it to the server.
 */
function getsRefreshToken({ registration }: AuthenticatedClient, scopes: readonly string[]): boolean {
  if (!registration.grants.includes('refresh_token')) return false
  if (scopes.includes('offline_access')) return true
  return !scopes.includes('openid') && registration.refreshTokens === 'always'
}

/**
 * The access token of a code, at the moment when the engine has checked all about it and would store its own: the code is
 * claimed, the token recorded and the refresh token made in one transaction.
 */
export async function redeemCode(token: EngineToken, ctx: KoaContextWithOIDC & OidcContext, services: OidcServices) {
  const code = codeOf(ctx)
  const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
  await takeFromPublicClient(ctx, client.registration, services)
  const scopes = code.scope?.split(' ') ?? []
  return await services.codeTokens.redeem({
    client,
    resource: typeof token.aud === 'string' ? token.aud : undefined,
    scope: scopes.filter((scope) => !IDENTITY_SCOPES.includes(scope)).join(' '),
    identityScope: scopes.filter((scope) => IDENTITY_SCOPES.includes(scope)).join(' '),
    subject: token.accountId!,
    grantId: grantIdOf(code.kind, code.jti),
    extra: extraOf(code, token),
    family: {
      consentId: code.grantId,
      signIn: factsOf(code),
      ...(client.registration.isPublic && token.jkt && { jkt: token.jkt }),
    },
    withRefreshToken: getsRefreshToken(client, scopes),
    claim: (trx, registration) => {
      const { arrivedAt } = ctx.state
      const shown = { model: code.kind, id: code.jti, userId: token.accountId!, client: registration, arrivedAt }
      return claimCode(trx, shown)
    },
  })
}

const grantIdOf = (kind: string, code: string): string => idFrom(`${kind} ${code}`)

/**
 * Leaves the claim of codes to `redeemCode`, and ends what came of one that is shown again when its row is gone or over:
 * nothing else would notice (RFC 6749, section 4.1.2).
 */
export function useCodes(provider: Provider, services: OidcServices): void {
  const { AuthorizationCode, DeviceCode } = provider
  for (const model of [AuthorizationCode, DeviceCode]) Object.assign(model.prototype, { consume: async () => {} })
  const find = AuthorizationCode.find.bind(AuthorizationCode)
  Object.assign(AuthorizationCode, {
    async find(value: string, options: object) {
      const code = (await find(value, options as never)) as { isExpired: boolean } | undefined
      if (code && !code.isExpired) return code
      const ctx = services.engineContext()
      const client = clientOf(ctx as unknown as OidcContext, services.authenticator, ctx.oidc.client!)
      await services.codeTokens.revokeLateReuse(client, grantIdOf('AuthorizationCode', value))
      return code
    },
  })
}

/** RFC 9068, section 2.2.1; and what userinfo was asked for, which nobody else remembers. */
function extraOf(code: Code, token: EngineToken): Record<string, unknown> {
  const { authTime: auth_time, acr, amr, claims } = code
  return {
    auth_time,
    acr,
    amr,
    ...(claims?.userinfo && { claims: { userinfo: claims.userinfo } }),
    ...bindingOf(token),
  }
}
