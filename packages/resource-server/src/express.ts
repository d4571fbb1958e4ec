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

/** As much of Express's request as is needed, so that this package does not depend on Express. */
export interface ExpressRequest {
  readonly method: string
  readonly protocol: string
  readonly originalUrl: string
  readonly headers: VerifiableRequest['headers']
  get(name: 'host'): string | undefined
  accessToken?: AccessToken
}

export interface ExpressResponse {
  readonly headersSent: boolean
  status(code: number): { set(headers: Record<string, string>): { send(body: string): unknown } }
}

type Next = (error?: unknown) => void

function reply(res: ExpressResponse, { status, headers, body }: Answer): void {
  // What limits the time of requests may have answered meanwhile.
  if (!res.headersSent) res.status(status).set(headers).send(body)
}

async function verified(
  verifier: Verifier,
  req: ExpressRequest,
  options: BindingOptions,
): Promise<AccessToken | Answer> {
  const origin = `${req.protocol}://${req.get('host')}`
  const request = requestOf(req.method, origin, req.originalUrl, req.headers, options)
  return await verifier.verify(request, options).catch((error) => refusalAnswer(error, verifier))
}

/** Lets requests with a good token through, with `req.accessToken`. Works with Express 4 and 5. */
export function accessToken(verifier: Verifier, options: BindingOptions = {}) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    verified(verifier, req, options).then((outcome) => {
      if ('body' in outcome) {
        reply(res, outcome)
        return
      }
      req.accessToken = outcome
      next()
    }, next)
  }
}

/** Serves the API's metadata (RFC 9728); goes before `accessToken`. */
export function resourceMetadata(verifier: Verifier, options?: MetadataOptions) {
  return (req: ExpressRequest, res: ExpressResponse, next: Next): void => {
    const path = req.originalUrl.split('?')[0]!
    const answer = metadataAnswer(req.method, path, verifier, options)
    if (answer) reply(res, answer)
    else next()
  }
}
