import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import type { SignInFacts } from '../refresh/refresh-token-families.ts'
import { idFrom } from '../shared/ids.ts'
import { claimCode } from './claim-code.ts'
import {
  disableCodeConsumption,
  type EngineContext,
  type EngineToken,
  engineContext,
  onMissingCode,
} from './engine-internals.ts'
import { bindingOf } from './engine-tokens.ts'
import type { OidcServices } from './oidc-services.ts'
import { takeFromPublicClient } from './public-client-limits.ts'
import { clientOf } from './request-state.ts'

/** The engine's record of an authorization code or device code. */
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
 * OpenID Connect grants refresh tokens by the scope `offline_access` (Core, section 11). For plain OAuth the registration
 * decides, since RFC 6749 leaves it to the server.
 */
function getsRefreshToken({ registration }: AuthenticatedClient, scopes: readonly string[]): boolean {
  if (!registration.grants.includes(REFRESH_TOKEN_GRANT)) return false
  if (scopes.includes('offline_access')) return true
  return !scopes.includes('openid') && registration.refreshTokens === 'always'
}

/**
 * Claims a code that the engine has checked, records the access token and issues the refresh token, in one transaction.
 */
export async function redeemCode(token: EngineToken, ctx: EngineContext, services: OidcServices) {
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
 * Leaves the redemption of codes to `redeemCode`, and revokes what a code obtained when it is sent again after its row was
 * deleted or expired (RFC 6749, section 4.1.2).
 */
export function useCodes(provider: Provider, services: OidcServices): void {
  disableCodeConsumption(provider)
  onMissingCode(provider, async (code) => {
    const ctx = engineContext()!
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    await services.codeTokens.revokeLateReuse(client, grantIdOf('AuthorizationCode', code))
  })
}

/** The claims of RFC 9068, section 2.2.1, and those requested for userinfo, which only the token carries. */
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
