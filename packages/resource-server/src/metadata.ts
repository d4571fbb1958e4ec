import { DPOP_ALGORITHMS } from './dpop.ts'
import type { Settings } from './options.ts'

/** OAuth 2.0 Protected Resource Metadata (RFC 9728, section 2). */
export interface ProtectedResource {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly string[]
  readonly dpop_signing_alg_values_supported: readonly string[]
  readonly tls_client_certificate_bound_access_tokens?: boolean
  readonly resource_name?: string
  readonly resource_documentation?: string
}

export interface Description {
  readonly scopes?: readonly string[]
  readonly name?: string
  /** A URL. */
  readonly documentation?: string
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Returns the URL of the metadata document (RFC 9728, section 3). Undefined if the resource has no URL. */
export function metadataUrl({ resource }: Settings): string | undefined {
  if (resource === undefined) return undefined
  const { origin, pathname, search } = new URL(resource)
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
}

/** Returns the metadata. Undefined if the resource has no URL. */
export function metadataOf(
  settings: Settings,
  { scopes, name, documentation }: Description = {},
): ProtectedResource | undefined {
  if (settings.resource === undefined) return undefined
  return {
    resource: settings.resource,
    authorization_servers: [settings.issuer],
    ...(scopes && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    ...(settings.certificateHeader && { tls_client_certificate_bound_access_tokens: true }),
    ...(name && { resource_name: name }),
    ...(documentation && { resource_documentation: documentation }),
  }
}

const withoutTrailingSlash = (path: string): string => path.replace(/\/$/, '')

/** Returns the metadata document if it is served at that path. Clients disagree on the trailing slash of a resource's path. */
export function metadataAt(settings: Settings, path: string, description?: Description): string | undefined {
  const url = metadataUrl(settings)
  if (url === undefined || withoutTrailingSlash(path) !== withoutTrailingSlash(new URL(url).pathname)) return undefined
  return JSON.stringify(metadataOf(settings, description))
}
