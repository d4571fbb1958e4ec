import type { AccessToken } from './access-token.ts'
import {
  type Answer,
  type BindingOptions,
  type MetadataOptions,
  metadataAnswer,
  refusalAnswer,
  requestOf,
} from './responses.ts'
import type { Verifier } from './verifier.ts'

/** As much of Hono's context as is needed, so that this package does not depend on Hono. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  set(key: 'accessToken', value: AccessToken): void
}

/** For `new Hono<AccessTokenVariables>()`. */
export interface AccessTokenVariables {
  Variables: { accessToken: AccessToken }
}

type Next = () => Promise<void>

const respond = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers })

/** Lets requests with a good token through, with `c.get('accessToken')`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (c: HonoContext, next: Next): Promise<Response | undefined> => {
    const { req } = c
    const { origin, pathname, search } = new URL(req.raw.url)
    try {
      const request = requestOf(req.raw.method, origin, pathname + search, req.raw.headers, options)
      c.set('accessToken', await verifier.verify(request, options))
    } catch (error) {
      return respond(refusalAnswer(error, verifier))
    }
    await next()
    return undefined
  }
}

/** Serves the API's metadata (RFC 9728); goes before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (c: { readonly req: { readonly raw: Request } }, next: Next): Promise<Response | undefined> => {
    const answer = metadataAnswer(c.req.raw.method, new URL(c.req.raw.url).pathname, verifier, options)
    if (answer) return respond(answer)
    await next()
    return undefined
  }
}
