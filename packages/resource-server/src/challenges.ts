import { DPOP_ALGORITHMS } from './dpop.ts'
import type { AccessTokenError } from './errors.ts'
import { metadataUrl } from './metadata.ts'
import type { Settings } from './options.ts'

type Parameters = Record<string, string | undefined>

/** Returns a quoted-string (RFC 9110, section 5.6.4) with the characters that RFC 6750, section 3, allows. */
const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, "'")}"`

function challenge(scheme: string, parameters: Parameters): string {
  const defined = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return `${scheme} ${defined.map(([name, value]) => `${name}=${quoted(value!)}`).join(', ')}`.trim()
}

const isDpopError = ({ code }: AccessTokenError) => code.startsWith('dpop_') && code !== 'dpop_not_bound'

/**
 * Returns the `WWW-Authenticate` header for an error (RFC 6750, section 3; RFC 9449, section 7.1; RFC 9728, section 5.1): a
 * challenge for each scheme, with the error in the one that was used. Undefined for a 503, where other credentials would not
 * help.
 * @param requiredScopes what the request needs in addition to the verifier's own scopes
 */
export function challengesOf(
  error: AccessTokenError,
  settings: Settings,
  requiredScopes: readonly string[] = [],
): string | undefined {
  if (error.status === 503) return undefined
  const resource = { realm: settings.realm, resource_metadata: metadataUrl(settings) }
  const required = new Set([...settings.requiredScopes, ...requiredScopes])
  const scope = error.scope ?? ([...required].join(' ') || undefined)
  const reason = error.error === undefined ? {} : { error: error.error, error_description: error.message }
  const isDpop = isDpopError(error)
  const bearer = { ...resource, scope, ...(!isDpop && reason) }
  const dpop = { ...resource, scope, ...(isDpop && reason), algs: DPOP_ALGORITHMS.join(' ') }
  const both = [challenge('Bearer', bearer), challenge('DPoP', dpop)]
  return (isDpop ? both.reverse() : both).join(', ')
}
