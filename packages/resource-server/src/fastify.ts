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

/** As much of Fastify's request as is needed, so that this package does not depend on Fastify. */
export interface FastifyRequest {
  readonly method: string
  readonly protocol: string
  readonly host: string
  readonly originalUrl: string
  readonly headers: VerifiableRequest['headers']
  accessToken?: AccessToken
}

export interface FastifyReply {
  code(status: number): { headers(headers: Record<string, string>): { send(body: string): unknown } }
}

function reply(to: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  to.code(status).headers(headers).send(body)
  // Fastify goes no further with a request whose hook answers with the reply.
  return to
}

/** An `onRequest` hook that lets requests with a good token through, with `request.accessToken`. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return async (request: FastifyRequest, to: FastifyReply): Promise<unknown> => {
    const origin = `${request.protocol}://${request.host}`
    const asked = requestOf(request.method, origin, request.originalUrl, request.headers, options)
    try {
      request.accessToken = await verifier.verify(asked, options)
      return undefined
    } catch (error) {
      return reply(to, refusalAnswer(error, verifier))
    }
  }
}

/** An `onRequest` hook that serves the API's metadata (RFC 9728); goes before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return async (request: FastifyRequest, to: FastifyReply): Promise<unknown> => {
    const path = request.originalUrl.split('?')[0]!
    const answer = metadataAnswer(request.method, path, verifier, options)
    return answer && reply(to, answer)
  }
}
