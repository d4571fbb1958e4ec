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

/** The parts of Koa's context that are used, so that this package does not depend on Koa. */
export interface KoaContext {
  readonly method: string
  readonly protocol: string
  readonly host: string
  readonly originalUrl: string
  readonly path: string
  readonly request: { readonly body?: unknown }
  readonly headers: VerifiableRequest['headers']
  state: { accessToken?: AccessToken }
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

type Next = () => Promise<unknown>

function reply(ctx: KoaContext, { status, headers, body }: HttpResponse): void {
  ctx.status = status
  ctx.body = body
  ctx.set(headers)
}

/** Koa middleware: rejects requests without a valid access token and sets `ctx.state.accessToken`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (ctx: KoaContext, next: Next): Promise<void> => {
    // Not `ctx.origin`: since Koa 3 that is the Origin header, which the caller sets.
    const origin = `${ctx.protocol}://${ctx.host}`
    const request = requestOf(ctx.method, origin, ctx.originalUrl, ctx.headers, options)
    try {
      ctx.state.accessToken = await verifier.verify(request, options)
    } catch (error) {
      reply(ctx, errorResponse(error, verifier, options))
      return
    }
    await next()
  }
}

/** Koa middleware for an MCP server: checks the scopes of its tools. Use it after `accessToken` and a body parser. */
export function mcpScopes(verifier: Verifier, scopes: McpScopes) {
  return async (ctx: KoaContext, next: Next): Promise<void> => {
    try {
      const request = { method: ctx.method, body: ctx.request.body }
      checkMcpScopes(verifier, ctx.state.accessToken!, request, scopes)
    } catch (error) {
      reply(ctx, errorResponse(error, verifier))
      return
    }
    await next()
  }
}

/** Koa middleware that serves the API's metadata (RFC 9728). Use it before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (ctx: KoaContext, next: Next): Promise<void> => {
    const response = metadataResponse(ctx.method, ctx.path, verifier, options)
    if (response) reply(ctx, response)
    else await next()
  }
}
