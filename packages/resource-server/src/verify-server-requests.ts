import type { IncomingMessage } from 'node:http'
import { addressOf, plainOrigin, type VerifiableRequest } from './requests.ts'

/** How a gateway asks. Each way reads only what that gateway sets: what it passes on unset is the caller's invention. */
export type Way = 'auth_request' | 'forward_auth' | 'ext_authz'

export interface Question {
  readonly way: Way
  readonly request: VerifiableRequest
  /** Needed at this place, by the gateway's configuration. */
  readonly scopes: readonly string[]
}

/** The gateway was told to ask for what is not known here. To pass over it might let through what it meant to refuse. */
export class UnknownQuestionError extends Error {
  override readonly name = 'UnknownQuestionError'
}

type Headers = IncomingMessage['headersDistinct']

/** Undefined also where there are several: one of them is the caller's. */
const only = (headers: Headers, name: string): string | undefined =>
  headers[name]?.length === 1 ? headers[name][0] : undefined

/** As the gateway says. */
function originOf(headers: Headers, hostHeader: string): string | undefined {
  const [scheme, host] = [only(headers, 'x-forwarded-proto'), only(headers, hostHeader)]
  return scheme && host ? plainOrigin(`${scheme}://${host}`) : undefined
}

function scopesOf(query: string): string[] {
  const parameters = new URLSearchParams(query)
  const stranger = [...parameters.keys()].find((name) => name !== 'scope')
  if (stranger !== undefined) throw new UnknownQuestionError(`the gateway asks with an unknown parameter, ${stranger}`)
  return parameters.getAll('scope').flatMap((scope) => scope.split(' ').filter((name) => name !== ''))
}

/** Where a gateway that asks at a place of its own says what it was asked. */
const SAID_IN = {
  auth_request: { method: 'x-original-method', path: 'x-original-uri' },
  forward_auth: { method: 'x-forwarded-method', path: 'x-forwarded-uri' },
} as const

const requestOf = (headers: Headers, method?: string, path?: string, origin?: string): VerifiableRequest => ({
  method,
  url: addressOf(origin, path),
  headers,
})

function asked(way: keyof typeof SAID_IN, headers: Headers, query: string, origin?: string): Question {
  const said = SAID_IN[way]
  const from = origin ?? originOf(headers, 'x-forwarded-host')
  const request = requestOf(headers, only(headers, said.method), only(headers, said.path), from)
  return { way, request, scopes: scopesOf(query) }
}

const ENVOY = '/ext_authz'

/**
 * What the gateway asks about; undefined where it is no question.
 * @param origin the API's, where that is known; otherwise what the gateway says
 * @throws UnknownQuestionError
 */
export function questionOf(req: IncomingMessage, origin: string | undefined): Question | undefined {
  const { headersDistinct: headers, method, url } = req
  const [path, query = ''] = url!.split(/\?(.*)/s) as [string, string?]
  if (path === '/auth_request') return asked('auth_request', headers, query, origin)
  if (path === '/forward_auth') return asked('forward_auth', headers, query, origin)
  if (path !== ENVOY && !path.startsWith(`${ENVOY}/`)) return undefined
  // Envoy puts the prefix before the request's own path; the query is the caller's.
  const request = requestOf(headers, method, url!.slice(ENVOY.length), origin ?? originOf(headers, 'host'))
  return { way: 'ext_authz', request, scopes: [] }
}
