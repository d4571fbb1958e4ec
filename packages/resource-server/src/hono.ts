import type { AccessToken } from './access-token.ts'
import {
  type BindingOptions,
  errorResponse,
  type HttpResponse,
  type MetadataOptions,
  metadataResponse,
  requestOf,
} from './responses.ts'
import type { Verifier } from './verifier.ts'

/** The parts of Hono's context that are used, so that this package does not depend on Hono. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  set(key: 'accessToken', value: AccessToken): void
}

/** For `new Hono<AccessTokenVariables>()`. */
export interface AccessTokenVariables {
  Variables: { accessToken: AccessToken }
}

type Next = () => Promise<void>

const respond = ({ status, headers, body }: HttpResponse): Response => new Response(body, { status, headers })

/** Hono middleware: rejects requests without a valid access token and sets `accessToken` (`c.get('accessToken')`). */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (c: HonoContext, next: Next): Promise<Response | undefined> => {
    const { req } = c
    const { origin, pathname, search } = new URL(req.raw.url)
    try {
      const request = requestOf(req.raw.method, origin, pathname + search, req.raw.headers, options)
      c.set('accessToken', await verifier.verify(request, options))
    } catch (error) {
      return respond(errorResponse(error, verifier, options))
    }
    await next()
    return undefined
  }
}

/** Hono middleware that serves the API's metadata (RFC 9728). Use it before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (c: { readonly req: { readonly raw: Request } }, next: Next): Promise<Response | undefined> => {
    const response = metadataResponse(c.req.raw.method, new URL(c.req.raw.url).pathname, verifier, options)
    if (response) return respond(response)
    await next()
    return undefined
  }
}
