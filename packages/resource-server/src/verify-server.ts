import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AccessToken } from './access-token.ts'
import { errorResponse, type HttpResponse, metadataResponse } from './responses.ts'
import type { Verifier } from './verifier.ts'
import { type GatewayRequest, parseGatewayRequest } from './verify-server-requests.ts'

export interface VerifyServerOptions {
  readonly verifier: Verifier
  /** The API's origin as its clients see it; undefined: the gateway's headers name it. */
  readonly origin: string | undefined
  /** Called with unexpected errors. */
  readonly onError: (error: unknown) => void
}

/** Bytes; a token of 16 kB, which the verifier accepts, and the other headers that gateways pass on. */
const MAX_HEADER_SIZE = 64 * 1024

/** Milliseconds; longer than gateways keep idle connections, so that they never use one that is being closed. */
const KEEP_ALIVE = 90_000

/** Returns a header value with all but visible ASCII percent-encoded, so that two subjects never look the same. */
const encodeHeader = (text: string): string =>
  text.replace(/[^\x21-\x7e]|%/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  )

/** Always all four: a header that the gateway does not overwrite would keep the caller's value. */
const identityHeaders = ({ clientId, accountId = '', subject, scopes }: AccessToken): Record<string, string> => ({
  'x-client-id': encodeHeader(clientId),
  'x-account-id': encodeHeader(accountId),
  'x-subject': encodeHeader(subject),
  'x-scope': scopes.map(encodeHeader).join(' '),
})

/** nginx answers 500 if the status of an `auth_request` is an error other than 401 and 403. */
const forNginx = (response: HttpResponse): HttpResponse =>
  response.status === 400 ? { ...response, status: 401 } : response

async function verify({ protocol, request, scopes }: GatewayRequest, verifier: Verifier): Promise<HttpResponse> {
  try {
    const token = await verifier.verify(request, { requiredScopes: scopes })
    return { status: 200, headers: { 'cache-control': 'no-store', ...identityHeaders(token) }, body: '' }
  } catch (error) {
    const response = errorResponse(error, verifier, { requiredScopes: scopes })
    return protocol === 'auth_request' ? forNginx(response) : response
  }
}

const json = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
})

/** Always 200: without the issuer the verifier still works with the lists in memory. */
function health({ settings, isLive }: Verifier): HttpResponse {
  const { statusList } = settings
  const hasFeed = statusList !== false && statusList.feed !== undefined
  return json(200, { status: 'ok', feed: hasFeed ? (isLive() ? 'live' : 'unavailable') : 'off' })
}

async function handle(req: IncomingMessage, { verifier, origin }: VerifyServerOptions): Promise<HttpResponse> {
  const gatewayRequest = parseGatewayRequest(req, origin)
  if (gatewayRequest) return await verify(gatewayRequest, verifier)
  const path = req.url!.replace(/\?.*/s, '')
  if (path === '/healthz') return health(verifier)
  return metadataResponse(req.method!, path, verifier) ?? json(404, { error: 'not_found' })
}

async function respond(req: IncomingMessage, res: ServerResponse, options: VerifyServerOptions): Promise<void> {
  try {
    const { status, headers, body } = await handle(req, options)
    res.writeHead(status, headers).end(body)
  } catch (error) {
    options.onError(error)
    res.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"server_error"}')
  }
}

/**
 * Creates the server that gateways ask about each request: nginx at `/auth_request`, Traefik and Caddy at `/forward_auth`,
 * Envoy below `/ext_authz`. It responds with 200 and `X-Client-Id`, `X-Account-Id`, `X-Subject` and `X-Scope`, or with the error.
 */
export function createVerifyServer(options: VerifyServerOptions): Server {
  const settings = { maxHeaderSize: MAX_HEADER_SIZE, keepAliveTimeout: KEEP_ALIVE }
  return createServer(settings, (req, res) => void respond(req, res, options))
}
