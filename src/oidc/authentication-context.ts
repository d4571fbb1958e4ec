import type { KoaContextWithOIDC } from 'oidc-provider'

/** Authentication context classes (OpenID Connect Core, section 2, `acr`). */
const PASSWORD_ACR = 'urn:keywright:acr:password'
const MULTI_FACTOR_ACR = 'urn:keywright:acr:mfa'

/** The strongest first, which `acr_values_supported` lists. */
export const ACR_VALUES = [MULTI_FACTOR_ACR, PASSWORD_ACR] as const

/** The class of a sign-in by these methods (RFC 8176). */
export const acrOf = (amr: readonly string[]): string => (amr.includes('mfa') ? MULTI_FACTOR_ACR : PASSWORD_ACR)

interface AcrRequest {
  readonly value?: string
  readonly values?: unknown
}

/** The classes that a request names, by the `claims` parameter or by `acr_values`, which the engine makes a claim of. */
export function requestedAcrs({ oidc }: KoaContextWithOIDC): readonly string[] {
  const { value, values } = ((oidc.claims.id_token as { acr?: AcrRequest } | undefined)?.acr ?? {}) as AcrRequest
  if (value !== undefined) return [value]
  return Array.isArray(values) ? values : []
}

/**
 * The class that the response to a request states: the one of the session, or a weaker one that is requested and that the
 * session also meets.
 */
function statedAcr(requested: readonly string[], reached: string | undefined): string | undefined {
  if (reached === undefined || requested.includes(reached)) return reached
  return reached === MULTI_FACTOR_ACR && requested.includes(PASSWORD_ACR) ? PASSWORD_ACR : reached
}

/** Makes the engine state `statedAcr` in what it issues for this request, instead of the class of the session. */
export function stateRequestedAcr(ctx: KoaContextWithOIDC): void {
  const get = () => statedAcr(requestedAcrs(ctx), ctx.oidc.session?.acr)
  Object.defineProperty(ctx.oidc, 'acr', { get, configurable: true })
}

/** Whether the request takes a second factor that the user has not proved in this session. */
export const needsSecondFactor = (ctx: KoaContextWithOIDC): boolean => {
  const requested = requestedAcrs(ctx)
  return (
    requested.includes(MULTI_FACTOR_ACR) &&
    !requested.includes(PASSWORD_ACR) &&
    ctx.oidc.session?.acr !== MULTI_FACTOR_ACR
  )
}
