import type { KoaContextWithOIDC } from 'oidc-provider'
import { isMultiFactor } from '../accounts/sign-in-tickets.ts'

/** Authentication context classes (OpenID Connect Core, section 2, `acr`). */
const PASSWORD_ACR = 'urn:keywright:acr:password'
const MULTI_FACTOR_ACR = 'urn:keywright:acr:mfa'

/** The strongest first, which `acr_values_supported` lists. */
export const ACR_VALUES = [MULTI_FACTOR_ACR, PASSWORD_ACR] as const

/** The class of a sign-in by these methods (RFC 8176). */
export const acrOf = (amr: readonly string[]): string => (isMultiFactor(amr) ? MULTI_FACTOR_ACR : PASSWORD_ACR)

/** The class of a session that somebody else stated; undefined: `acrOf` decided it. */
export const statedElsewhere = (acr: string | undefined): string | undefined =>
  ACR_VALUES.some((own) => own === acr) ? undefined : acr

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

interface Reached {
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
}

const hasBothFactors = ({ acr, amr = [] }: Reached): boolean => acr === MULTI_FACTOR_ACR || isMultiFactor(amr)

/**
 * The class that the response to a request states: the one of the session, or another one that is requested and that the
 * session also meets.
 */
function statedAcr(requested: readonly string[], reached: Reached): string | undefined {
  const { acr } = reached
  if (acr === undefined || requested.includes(acr)) return acr
  const met = hasBothFactors(reached) ? ACR_VALUES : [PASSWORD_ACR]
  return met.find((one) => requested.includes(one)) ?? acr
}

/** Makes the engine state `statedAcr` in what it issues for this request, instead of the class of the session. */
export function stateRequestedAcr(ctx: KoaContextWithOIDC): void {
  const get = () => statedAcr(requestedAcrs(ctx), ctx.oidc.session ?? {})
  Object.defineProperty(ctx.oidc, 'acr', { get, configurable: true })
}

/** Whether the request takes a second factor that the user has not proved in this session. */
export const needsSecondFactor = (ctx: KoaContextWithOIDC): boolean => {
  const requested = requestedAcrs(ctx)
  return (
    requested.includes(MULTI_FACTOR_ACR) && !requested.includes(PASSWORD_ACR) && !hasBothFactors(ctx.oidc.session ?? {})
  )
}
