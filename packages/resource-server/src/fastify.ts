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

/** The parts of Fastify's request that are used, so that this package does not depend on Fastify. */
export interface FastifyRequest {
  readonly method: string
  readonly protocol: string
  readonly host: string
  readonly originalUrl: string
  readonly headers: VerifiableRequest['headers']
  accessToken?: AccessToken
  readonly body?: unknown
}

export interface FastifyReply {
  code(status: number): { headers(headers: Record<string, string>): { send(body: string): unknown } }
}

function reply(to: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply {
  to.code(status).headers(headers).send(body)
  // A hook that returns the reply ends the request.
  return to
}

/** Fastify `onRequest` hook: rejects requests without a valid access token and sets `request.accessToken`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (request: FastifyRequest, to: FastifyReply): Promise<unknown> => {
    const origin = `${request.protocol}://${request.host}`
    const verifiable = requestOf(request.method, origin, request.originalUrl, request.headers, options)
    try {
      request.accessToken = await verifier.verify(verifiable, options)
      return undefined
    } catch (error) {
      return reply(to, errorResponse(error, verifier, options))
    }
  }
}

/** Fastify `preHandler` hook for an MCP server: checks the scopes of its tools. */
export function mcpScopes(verifier: Verifier, scopes: McpScopes) {
  return async (request: FastifyRequest, to: FastifyReply): Promise<unknown> => {
    try {
      checkMcpScopes(verifier, request.accessToken!, request as { method: string; body: unknown }, scopes)
      return undefined
    } catch (error) {
      return reply(to, errorResponse(error, verifier))
    }
  }
}

/** Fastify `onRequest` hook that serves the API's metadata (RFC 9728). Add it before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (request: FastifyRequest, to: FastifyReply): Promise<unknown> => {
    const path = request.originalUrl.split('?')[0]!
    const response = metadataResponse(request.method, path, verifier, options)
    return response && reply(to, response)
  }
}
