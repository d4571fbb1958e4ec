import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AccountOfUser, User } from '../accounts/users.ts'
import type { Registration } from '../clients/registration.ts'
import { type Consent, findConsentById, type Permissions } from '../consents/consents.ts'
import { MANAGEMENT_API } from '../shared/management-api-identifier.ts'
import { type EngineGrant, findGrantsBy } from './engine-internals.ts'
import type { OidcServices } from './oidc-services.ts'
import { registrationOf } from './request-state.ts'

/** The engine's account with its user. */
export interface UserAccount {
  readonly accountId: string
  readonly user: User & AccountOfUser
}

/** A consent as the engine expects it. */
export function toEngineGrant(provider: Provider, consent: Consent): EngineGrant {
  const resources = Object.entries(consent.apis).map(([api, scopes]) => [api, scopes.join(' ')])
  const openid = { scope: consent.identityScopes.join(' '), claims: [...consent.claims] }
  return new provider.Grant({
    jti: consent.id,
    accountId: consent.userId,
    clientId: consent.clientId,
    ...((openid.scope || openid.claims.length > 0) && { openid }),
    resources: Object.fromEntries(resources),
  } as never)
}

/**
 * Whether the registration skips the allow/deny page for users who act for the account. The page is never skipped for the management API: an
 * admin's application would otherwise act as another admin who only followed a link.
 */
export function skipsConsent(registration: Registration, accountId: string | null, wanted: Permissions): boolean {
  if (registration.accountId !== null && MANAGEMENT_API in wanted.apis) return false
  if (registration.consent === 'skip') return true
  return registration.consent === 'skip_own_account' && accountId !== null && registration.accountId === accountId
}

/** The permissions that the request asks for, among those that exist. */
export function requested({ oidc }: KoaContextWithOIDC): Permissions {
  const scopes = [...oidc.requestParamScopes]
  const apis = Object.entries(oidc.resourceServers ?? {}).map(([identifier, server]) => [
    identifier,
    scopes.filter((scope) => server.scopes.has(scope)),
  ])
  return {
    identityScopes: [...oidc.requestParamOIDCScopes],
    claims: [...oidc.requestParamClaims],
    apis: Object.fromEntries(apis),
  }
}

const includesAll = (present: readonly string[], wanted: readonly string[]) =>
  wanted.every((one) => present.includes(one))

export function covers(consent: Consent, wanted: Permissions): boolean {
  return (
    includesAll(consent.identityScopes, wanted.identityScopes) &&
    includesAll(consent.claims, wanted.claims) &&
    Object.entries(wanted.apis).every(([api, scopes]) => includesAll(consent.apis[api] ?? [], scopes))
  )
}

/** Makes the stored consents the grants of the engine, which would delete its own with the session. */
export function useConsents(provider: Provider, { database: { reader } }: OidcServices): void {
  findGrantsBy(provider, async (id) => {
    const consent = typeof id === 'string' ? await findConsentById(reader, id) : undefined
    return consent && toEngineGrant(provider, consent)
  })
}

/** Whether another application on the user's machine could impersonate the client (RFC 8252, section 8.6). */
export function isUnprovenNative({ oidc }: KoaContextWithOIDC): boolean {
  const { redirect_uri: uri } = oidc.params ?? {}
  return registrationOf(oidc.client!).isPublic && typeof uri === 'string' && !uri.startsWith('https:')
}
