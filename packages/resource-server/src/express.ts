import type { AccessToken } from './access-token.ts'
import { checkMcpScopes, type McpScopes } from './mcp-scopes.ts'
import type { VerifiableRequest } from './requests.ts'
import {
  type BindingOptions,
  errorResponse,
  type HttpResponse,
  type MetadataOptions,
  metadataResponse,
  requestOf,
} from './responses.ts'
import type { Verifier } from './verifier.ts'

/** The parts of Express's request that are used, so that this package does not depend on Express. */
export interface ExpressRequest {
  readonly method: string
  readonly protocol: string
  readonly originalUrl: string
  readonly headers: VerifiableRequest['headers']
  get(name: 'host'): string | undefined
  accessToken?: AccessToken
  readonly body?: unknown
}

export interface ExpressResponse {
  readonly headersSent: boolean
  status(code: number): { set(headers: Record<string, string>): { send(body: string): unknown } }
}

type Next = (error?: unknown) => void

function reply(res: ExpressResponse, { status, headers, body }: HttpResponse): void {
  // A timeout middleware may have sent a response in the meantime.
  if (!res.headersSent) res.status(status).set(headers).send(body)
}

async function verify(
  verifier: Verifier,
  req: ExpressRequest,
  options: BindingOptions,
): Promise<AccessToken | HttpResponse> {
  const origin = `${req.protocol}://${req.get('host')}`
  const request = requestOf(req.method, origin, req.originalUrl, req.headers, options)
  return await verifier.verify(request, options).catch((error) => errorResponse(error, verifier, options))
}

/** Express middleware (4 and 5): rejects requests without a valid access token and sets `req.accessToken`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    verify(verifier, req, options).then((outcome) => {
      if ('body' in outcome) {
        reply(res, outcome)
        return
      }
      req.accessToken = outcome
      next()
    }, next)
  }
}

/** Express middleware for an MCP server: checks the scopes of its tools. Use it after `accessToken` and `express.json()`. */
export function mcpScopes(verifier: Verifier, scopes: McpScopes) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    try {
      checkMcpScopes(verifier, req.accessToken!, { method: req.method, body: req.body }, scopes)
    } catch (error) {
      reply(res, errorResponse(error, verifier))
      return
    }
    next()
  }
}

/** Express middleware that serves the API's metadata (RFC 9728). Use it before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    const path = req.originalUrl.split('?')[0]!
    const response = metadataResponse(req.method, path, verifier, options)
    if (response) reply(res, response)
    else next()
  }
}
