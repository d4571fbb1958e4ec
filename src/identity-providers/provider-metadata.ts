import type { ServerMetadata } from 'openid-client'
import { KeywrightError } from '../shared/errors.ts'
import type { IdentityProvider } from './identity-providers.ts'

/** What is wrong with the settings of an identity provider, for who enters them. */
export interface DiscoveryProblem {
  readonly field: 'issuer' | 'clientAuth'
  readonly message: string
}

/** The metadata is read, but users could not sign in with it. */
export class UnsupportedProviderError extends Error {
  readonly problem: DiscoveryProblem

  constructor(field: DiscoveryProblem['field'], message: string) {
    super(message)
    this.name = 'UnsupportedProviderError'
    this.problem = { field, message }
  }
}

/** Absent: OpenID Connect Discovery 1.0, section 3, has an initial value, or nothing is known. */
const lacks = (values: readonly string[] | undefined, wanted: (value: string) => boolean): boolean =>
  values !== undefined && !values.some(wanted)

/** Algorithms whose signatures are verified with a public key. */
const isPublicKeyAlgorithm = (algorithm: string): boolean => /^(RS|PS|ES|Ed)/.test(algorithm)

/**
 * Whether the provider offers what a sign-in uses: the authorization code flow with PKCE, ID tokens that are signed with a public key,
 * and the client authentication that is set.
 * @throws UnsupportedProviderError
 */
export function checkMetadata(metadata: ServerMetadata, { clientAuth }: Pick<IdentityProvider, 'clientAuth'>): void {
  const at = (message: string) => new UnsupportedProviderError('issuer', message)
  if (lacks(metadata.response_types_supported, (type) => type === 'code'))
    throw at('the provider does not support the authorization code flow (response type code)')
  if (lacks(metadata.grant_types_supported, (grant) => grant === 'authorization_code'))
    throw at('the provider does not support the authorization code flow (grant type authorization_code)')
  if (lacks(metadata.code_challenge_methods_supported, (method) => method === 'S256'))
    throw at('the provider does not support PKCE with S256')
  if (lacks(metadata.id_token_signing_alg_values_supported, isPublicKeyAlgorithm))
    throw at('the provider does not sign ID tokens with a public-key algorithm, such as RS256')
  if (lacks(metadata.token_endpoint_auth_methods_supported, (method) => method === clientAuth))
    throw new UnsupportedProviderError(
      'clientAuth',
      `the provider does not support ${clientAuth}; select the other one`,
    )
}

const causesOf = (error: unknown): unknown[] => (error instanceof Error ? [error, ...causesOf(error.cause)] : [error])

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code

const LONGEST_ISSUER_SHOWN = 300

/** The issuer that the metadata names, where it is another one. */
function otherIssuer(causes: readonly unknown[]): string | undefined {
  const mismatch = causes.find((one) => (one as { attribute?: unknown } | undefined)?.attribute === 'issuer')
  const issuer = (mismatch as { body?: { issuer?: unknown } } | undefined)?.body?.issuer
  return typeof issuer === 'string' && issuer.length <= LONGEST_ISSUER_SHOWN && URL.canParse(issuer)
    ? issuer
    : undefined
}

/** The address answered, but with something else (error codes of oauth4webapi). */
const NO_CONFIGURATION = new Set<unknown>([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_INVALID_RESPONSE',
])

/**
 * Why the metadata of a provider could not be used. It tells nothing else of what the address answered.
 * @param hidesResponse says only whether the address responded, unless it is a provider
 */
export function discoveryProblem(
  error: Error,
  { issuer }: Pick<IdentityProvider, 'issuer'>,
  hidesResponse: boolean,
): DiscoveryProblem {
  const causes = causesOf(error)
  const unsupported = causes.find((one) => one instanceof UnsupportedProviderError)
  if (unsupported) return unsupported.problem
  const ours = causes.find((one) => one instanceof KeywrightError)
  const at = (message: string): DiscoveryProblem => ({ field: 'issuer', message })
  if (ours) return at(`the provider could not be reached: ${ours.message}`)
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const unreadable = at(`the provider could not be read at ${address}`)
  if (hidesResponse) return unreadable
  if (causes.some((one) => codeOf(one) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED')) {
    const other = otherIssuer(causes)
    return at(
      other
        ? `the provider names another issuer: enter exactly ${other}`
        : 'the provider names another issuer; enter the issuer exactly as the provider has it',
    )
  }
  if (causes.some((one) => one instanceof Response && one.status >= 500))
    return at('the provider responded with an error of its own; try again later')
  if (causes.some((one) => NO_CONFIGURATION.has(codeOf(one))))
    return at(`there is no OpenID configuration at ${address}`)
  return unreadable
}
