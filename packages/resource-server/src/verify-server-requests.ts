import type { IncomingMessage } from 'node:http'
import { plainOrigin, requestUrl, type VerifiableRequest } from './requests.ts'

/**
 * The protocol in which a gateway asks. Only the headers that this gateway sets are read: the caller may have sent the
 * others.
 */
export type GatewayProtocol = 'auth_request' | 'forward_auth' | 'ext_authz'

export interface GatewayRequest {
  readonly protocol: GatewayProtocol
  /** The request that the gateway asks about. */
  readonly request: VerifiableRequest
  /** Scopes that the gateway's configuration requires for this path. */
  readonly scopes: readonly string[]
}

/** The gateway's configuration has an unknown parameter. To ignore it might accept what the operator meant to reject. */
export class UnknownParameterError extends Error {
  override readonly name = 'UnknownParameterError'
}

type Headers = IncomingMessage['headersDistinct']

/** Undefined also for a repeated header: one of the values is the caller's. */
const single = (headers: Headers, name: string): string | undefined =>
  headers[name]?.length === 1 ? headers[name][0] : undefined

/** The origin by the gateway's headers. */
function originOf(headers: Headers, hostHeader: string): string | undefined {
  const [scheme, host] = [single(headers, 'x-forwarded-proto'), single(headers, hostHeader)]
  return scheme && host ? plainOrigin(`${scheme}://${host}`) : undefined
}

function scopesOf(query: string): string[] {
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((name) => name !== 'scope')
  if (unknown !== undefined) throw new UnknownParameterError(`the gateway sent an unknown parameter: ${unknown}`)
  return parameters.getAll('scope').flatMap((scope) => scope.split(' ').filter((name) => name !== ''))
}

/** The headers in which a gateway names the original request. */
const ORIGINAL_REQUEST = {
  auth_request: { method: 'x-original-method', path: 'x-original-uri' },
  forward_auth: { method: 'x-forwarded-method', path: 'x-forwarded-uri' },
} as const

const requestOf = (headers: Headers, method?: string, path?: string, origin?: string): VerifiableRequest => ({
  method,
  url: requestUrl(origin, path),
  headers,
})

function parseSubrequest(
  protocol: keyof typeof ORIGINAL_REQUEST,
  headers: Headers,
  query: string,
  configuredOrigin?: string,
): GatewayRequest {
  const names = ORIGINAL_REQUEST[protocol]
  const origin = configuredOrigin ?? originOf(headers, 'x-forwarded-host')
  const request = requestOf(headers, single(headers, names.method), single(headers, names.path), origin)
  return { protocol, request, scopes: scopesOf(query) }
}

const ENVOY = '/ext_authz'

/**
 * Returns the request that a gateway asks about; undefined for another path.
 * @param origin the API's; undefined: the gateway's headers name it
 * @throws UnknownParameterError
 */
export function parseGatewayRequest(req: IncomingMessage, origin: string | undefined): GatewayRequest | undefined {
  const { headersDistinct: headers, method, url } = req
  const [path, query = ''] = url!.split(/\?(.*)/s) as [string, string?]
  if (path === '/auth_request') return parseSubrequest('auth_request', headers, query, origin)
  if (path === '/forward_auth') return parseSubrequest('forward_auth', headers, query, origin)
  if (path !== ENVOY && !path.startsWith(`${ENVOY}/`)) return undefined
  // Envoy adds the prefix to the path of the original request. The query is the caller's.
  const request = requestOf(headers, method, url!.slice(ENVOY.length), origin ?? originOf(headers, 'host'))
  return { protocol: 'ext_authz', request, scopes: [] }
}
