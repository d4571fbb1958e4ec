import { AccessTokenError } from './errors.ts'

type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** The parts of a request that the verification reads. */
export interface VerifiableRequest {
  /** Absolute, as the client sees it. Only tokens that are bound to a key (DPoP) need it. */
  readonly url?: string
  readonly method?: string
  /** Node's (lower-case names) or the Fetch API's. */
  readonly headers: Headers | HeaderRecord
  /** Replaces the header of that name. */
  readonly authorization?: string
  /**
   * The client certificate of the TLS connection (DER), where this server ends TLS: `socket.getPeerCertificate().raw`. Only tokens that are
   * bound to a certificate need it. Ignored with the option `certificateHeader`.
   */
  readonly certificate?: Uint8Array | undefined
}

export interface PresentedToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly token: string
}

/** Characters; far more than Keywright's tokens have, and few enough to verify quickly. */
const MAX_TOKEN_LENGTH = 16_384

/** Joins repeated headers with commas (RFC 9110, section 5.3). No header that is read here may contain one. */
export function headerOf({ headers }: VerifiableRequest, name: string): string | undefined {
  if (typeof (headers as Headers).get === 'function') return (headers as Headers).get(name) ?? undefined
  const value = (headers as HeaderRecord)[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** Returns the origin of a request if it is a scheme and a host. Other characters could change the path of the URL. */
export const plainOrigin = (origin: string): string | undefined =>
  /^https?:\/\/[\w.:[\]-]+$/.test(origin) ? origin : undefined

/** Undefined if the request's target is not a path: after the origin it could name another host. */
export const requestUrl = (origin: string | undefined, path: string | undefined): string | undefined =>
  origin !== undefined && path?.startsWith('/') ? origin + path : undefined

/**
 * Returns the token of the `Authorization` header (RFC 6750, section 2.1; RFC 9449, section 7.1). A token in the query or
 * the body is not accepted: it would appear in logs.
 * @throws AccessTokenError `token_missing`, `token_malformed`
 */
export function presentedToken(request: VerifiableRequest): PresentedToken {
  const header = request.authorization ?? headerOf(request, 'authorization')
  const [scheme] = /^(?:bearer|dpop)(?= |$)/i.exec(header ?? '') ?? []
  if (!scheme) throw new AccessTokenError('token_missing', 'an access token is required in the Authorization header')
  const rest = header!.slice(scheme.length).trim()
  if (rest.length > MAX_TOKEN_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(rest)) {
    throw new AccessTokenError('token_malformed', 'the Authorization header does not contain exactly one access token')
  }
  return { scheme: scheme.toLowerCase() as PresentedToken['scheme'], token: rest }
}
