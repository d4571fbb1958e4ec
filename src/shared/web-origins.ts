import { isLoopbackHost } from './networks.ts'

const MAX_ORIGINS = 50

/** In characters. */
const LONGEST = 200

const isSafe = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))

/**
 * The error of a web origin (RFC 6454, section 6.2) as it is written. It must be spelled as browsers send it, because it is compared
 * with what they send, and becomes part of a policy of pages. Undefined: valid.
 */
export function originError(origin: string): string | undefined {
  const url = origin.length <= LONGEST ? URL.parse(origin) : null
  if (url && isSafe(url) && url.origin === origin && /^https?:\/\/[a-z0-9.:[\]-]+$/.test(origin)) return undefined
  return `an origin is https:// and a host name in lower case, or http:// and a loopback name, without a path: ${origin.slice(0, 100).toWellFormed()}`
}

/** The error of a list of origins. Undefined: valid. */
export const originsError = (origins: readonly string[]): string | undefined =>
  origins.length > MAX_ORIGINS
    ? `there are at most ${MAX_ORIGINS} origins`
    : origins
        .flatMap((origin) => originError(origin) ?? [])
        .slice(0, 3)
        .join('; ') || undefined

/** In characters. */
const LONGEST_URL = 2000

/**
 * The error of a URL that must be of one of the origins. Every parser must find the same host in it, so it has no user information,
 * backslash, space or control character. Undefined: valid.
 */
export function urlOfOriginsError(what: string, text: string, origins: readonly string[]): string | undefined {
  const url = text.length <= LONGEST_URL ? URL.parse(text) : null
  const isPlain = /^https?:\/\/[^/\\?#@\s]+(?:[/?#]|$)/.test(text) && !/[\s\\\p{Cc}]/u.test(text) && text.isWellFormed()
  if (url && isPlain && origins.includes(url.origin)) return undefined
  return `${what} must be a URL of one of the origins of your product, which an operator sets (product_origins)`
}
