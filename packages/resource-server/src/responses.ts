import { challengesOf } from './challenges.ts'
import { AccessTokenError } from './errors.ts'
import { type Description, metadataAt } from './metadata.ts'
import { plainOrigin, requestUrl, type VerifiableRequest } from './requests.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

/** The options of a binding for a framework. */
export interface BindingOptions extends VerifyOptions {
  /**
   * The API's origin as its clients see it, such as `https://api.example.com`. Default: the origin of the request. DPoP proofs
   * name it. Behind a proxy, set this or let the framework trust the proxy.
   */
  readonly origin?: string
}

export interface MetadataOptions extends Description {}

/** A response with a JSON body. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** Returns the response to a request that was rejected. @throws `error` if it is not an AccessTokenError */
export function errorResponse(error: unknown, { settings }: Verifier, options: VerifyOptions = {}): HttpResponse {
  if (!(error instanceof AccessTokenError)) throw error
  const challenges = challengesOf(error, settings, options.requiredScopes)
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(challenges !== undefined && { 'www-authenticate': challenges }),
      ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
    },
    body: JSON.stringify({
      error: error.error ?? error.code,
      error_description: error.message,
      code: error.code,
      jti: error.tokenId,
    }),
  }
}

const METADATA_HEADERS = {
  'cache-control': 'public, max-age=3600',
  'access-control-allow-origin': '*',
}

/** The answer to a preflight request of a browser: MCP clients send a header of their own, such as `MCP-Protocol-Version`. */
const METADATA_PREFLIGHT: HttpResponse = {
  status: 200,
  headers: { ...METADATA_HEADERS, 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' },
  body: '',
}

/** Returns the response to a request for the metadata (RFC 9728, section 3.1); undefined for every other request. */
export function metadataResponse(
  method: string,
  path: string,
  { settings }: Verifier,
  options?: MetadataOptions,
): HttpResponse | undefined {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return undefined
  const body = metadataAt(settings, path, options)
  if (body === undefined) return undefined
  if (method === 'OPTIONS') return METADATA_PREFLIGHT
  return { status: 200, headers: { 'content-type': 'application/json', ...METADATA_HEADERS }, body }
}

/** @param path with its query, as the client sent it */
export const requestOf = (
  method: string,
  origin: string,
  path: string,
  headers: VerifiableRequest['headers'],
  options: BindingOptions,
): VerifiableRequest => ({ method, url: requestUrl(options.origin ?? plainOrigin(origin), path), headers })
