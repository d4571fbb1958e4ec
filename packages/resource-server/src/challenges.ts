import { DPOP_ALGORITHMS } from './dpop.ts'
import type { AccessTokenError } from './errors.ts'
import { metadataUrl } from './metadata.ts'
import type { Settings } from './options.ts'

type Parameters = Record<string, string | undefined>

/** A quoted-string (RFC 9110, section 5.6.4) of what RFC 6750, section 3, lets it hold. */
const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, "'")}"`

function challenge(scheme: string, parameters: Parameters): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return `${scheme} ${given.map(([name, value]) => `${name}=${quoted(value!)}`).join(', ')}`.trim()
}

const isAboutDpop = ({ code }: AccessTokenError) => code.startsWith('dpop_') && code !== 'dpop_not_bound'

/**
 * The `WWW-Authenticate` of a refusal (RFC 6750, section 3; RFC 9449, section 7.1; RFC 9728, section 5.1): both schemes, and
 * the error with the one that was used. Undefined for a 503, where other credentials would not help.
 */
export function challengesOf(error: AccessTokenError, settings: Settings): string | undefined {
  if (error.status === 503) return undefined
  const place = { realm: settings.realm, resource_metadata: metadataUrl(settings) }
  const needed = error.scope ?? (settings.requiredScopes.join(' ') || undefined)
  const reason = error.error === undefined ? {} : { error: error.error, error_description: error.message }
  const dpop = isAboutDpop(error)
  const bearer = { ...place, scope: needed, ...(!dpop && reason) }
  const bound = { ...place, scope: needed, ...(dpop && reason), algs: DPOP_ALGORITHMS.join(' ') }
  const both = [challenge('Bearer', bearer), challenge('DPoP', bound)]
  return (dpop ? both.reverse() : both).join(', ')
}
