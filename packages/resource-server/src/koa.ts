import type { AccessToken } from './access-token.ts'
import type { VerifiableRequest } from './requests.ts'
import {
  type Answer,
  type BindingOptions,
  type MetadataOptions,
  metadataAnswer,
  refusalAnswer,
  requestOf,
} from './responses.ts'
import type { Verifier } from './verifier.ts'

/** As much of Koa's context as is needed, so that this package does not depend on Koa. */
export interface KoaContext {
  readonly method: string
  readonly protocol: string
  readonly host: string
  readonly originalUrl: string
  readonly path: string
  readonly headers: VerifiableRequest['headers']
  state: { accessToken?: AccessToken }
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

type Next = () => Promise<unknown>

function reply(ctx: KoaContext, { status, headers, body }: Answer): void {
  ctx.status = status
  ctx.body = body
  ctx.set(headers)
}

/** Lets requests with a good token through, with `ctx.state.accessToken`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (ctx: KoaContext, next: Next): Promise<void> => {
    // Koa's own `ctx.origin` is the Origin header since its version 3: whatever the caller likes.
    const origin = `${ctx.protocol}://${ctx.host}`
    const request = requestOf(ctx.method, origin, ctx.originalUrl, ctx.headers, options)
    try {
      ctx.state.accessToken = await verifier.verify(request, options)
    } catch (error) {
      reply(ctx, refusalAnswer(error, verifier))
      return
    }
    await next()
  }
}

/** Serves the API's metadata (RFC 9728); goes before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (ctx: KoaContext, next: Next): Promise<void> => {
    const answer = metadataAnswer(ctx.method, ctx.path, verifier, options)
    if (answer) reply(ctx, answer)
    else await next()
  }
}
