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

export type Handler<Rest extends unknown[]> = (
  request: Request,
  accessToken: AccessToken,
  ...rest: Rest
) => Response | Promise<Response>

const respond = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers })

async function verify(verifier: Verifier, request: Request, options: BindingOptions): Promise<AccessToken> {
  const { origin, pathname, search } = new URL(request.url)
  return await verifier.verify(requestOf(request.method, origin, pathname + search, request.headers, options), options)
}

/** A handler of the Fetch API (Deno, Bun, workers, service workers) that only good tokens reach. */
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
      return respond(refusalAnswer(error, verifier))
    }
    return await handler(request, token, ...rest)
  }
}

/** The API's metadata (RFC 9728) in reply to this request; undefined for every other one. */
export function resourceMetadata(
  verifier: Verifier,
  request: Request,
  options?: MetadataOptions,
): Response | undefined {
  const answer = metadataAnswer(request.method, new URL(request.url).pathname, verifier, options)
  return answer && respond(answer)
}
