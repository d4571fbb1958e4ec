import { AccessTokenError } from './errors.ts'

type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** What a verification needs of a request. */
export interface VerifiableRequest {
  /** Absolute, as the client sees it; only a token bound to a key (DPoP) needs it. */
  readonly url?: string
  readonly method?: string
  /** Of Node (names in small letters) or of the Fetch API. */
  readonly headers: Headers | HeaderRecord
  /** In place of the header of that name. */
  readonly authorization?: string
}

export interface PresentedToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly token: string
}

/** Characters; far more than a token of ours, far less than what takes long to verify. */
const LONGEST_TOKEN = 16_384

/** Several of one name are one with commas (RFC 9110, section 5.3), which none that is read here may contain. */
export function headerOf({ headers }: VerifiableRequest, name: string): string | undefined {
  if (typeof (headers as Headers).get === 'function') return (headers as Headers).get(name) ?? undefined
  const value = (headers as HeaderRecord)[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** What a request says of its origin. Anything else than a plain host would move the path to where the request does not go. */
export const plainOrigin = (origin: string): string | undefined =>
  /^https?:\/\/[\w.:[\]-]+$/.test(origin) ? origin : undefined

/** Undefined where the request's target is no path: put behind the origin, it could name another host. */
export const addressOf = (origin: string | undefined, path: string | undefined): string | undefined =>
  origin !== undefined && path?.startsWith('/') ? origin + path : undefined

/**
 * The token of an `Authorization` header (RFC 6750, section 2.1; RFC 9449, section 7.1). In the query or the body it is not
 * looked for: there it would end up in logs.
 * @throws AccessTokenError `token_missing`, `token_malformed`
 */
export function presentedToken(request: VerifiableRequest): PresentedToken {
  const header = request.authorization ?? headerOf(request, 'authorization')
  const [scheme] = /^(?:bearer|dpop)(?= |$)/i.exec(header ?? '') ?? []
  if (!scheme) throw new AccessTokenError('token_missing', 'send an access token in the Authorization header')
  const rest = header!.slice(scheme.length).trim()
  if (rest.length > LONGEST_TOKEN || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(rest)) {
    throw new AccessTokenError('token_malformed', 'the Authorization header does not hold one access token')
  }
  return { scheme: scheme.toLowerCase() as PresentedToken['scheme'], token: rest }
}
