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

export type Handler<Rest extends unknown[]> = (
  request: Request,
  accessToken: AccessToken,
  ...rest: Rest
) => Response | Promise<Response>

const respond = ({ status, headers, body }: HttpResponse): Response => new Response(body, { status, headers })

async function verify(verifier: Verifier, request: Request, options: BindingOptions): Promise<AccessToken> {
  const { origin, pathname, search } = new URL(request.url)
  return await verifier.verify(requestOf(request.method, origin, pathname + search, request.headers, options), options)
}

/** Wraps a handler of the Fetch API (Deno, Bun, workers) so that it only gets requests with a valid access token. */
export function withAccessToken<Rest extends unknown[]>(
  verifier: Verifier,
  handler: Handler<Rest>,
  options: BindingOptions = {},
) {
  return async (request: Request, ...rest: Rest): Promise<Response> => {
    let token: AccessToken
    try {
      token = await verify(verifier, request, options)
    } catch (error) {
      return respond(errorResponse(error, verifier, options))
    }
    return await handler(request, token, ...rest)
  }
}

/** Returns the API's metadata (RFC 9728) if the request asks for it; otherwise undefined. */
export function resourceMetadata(
  verifier: Verifier,
  request: Request,
  options?: MetadataOptions,
): Response | undefined {
  const response = metadataResponse(request.method, new URL(request.url).pathname, verifier, options)
  return response && respond(response)
}
