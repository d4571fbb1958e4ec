import type { JWK } from 'jose'
import { KeywrightError } from '../shared/errors.ts'
import { parseJson } from '../shared/json-text.ts'
import { usableKeys } from './client-keys.ts'

/** The keys of an issuer cannot be read. The message says what its address responds. */
export class IssuerUnavailableError extends Error {
  /** Whether admins of accounts may read the message. False: the address may be within the operator's network. */
  readonly isShown: boolean

  constructor(message: string, isShown = false) {
    super(message)
    this.isShown = isShown
  }
}

/** Milliseconds for each of the two documents, and its bytes. */
const LIMITS = { time: 3000, body: 128 * 1024 }

/** Fetches from outside, within limits: milliseconds, and bytes of the body. */
export type IssuerFetch = (
  url: string,
  init: RequestInit,
  limits: { readonly time: number; readonly body: number },
) => Promise<Response>

/** A URI has no other characters (RFC 3986, section 2), and the database stores no NUL. */
const URI = /^[\x21-\x7e]{1,2000}$/

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A redirect is an error: it may lead elsewhere. @throws IssuerUnavailableError */
async function readDocument(fetch: IssuerFetch, url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { headers: { accept: 'application/json' } }, LIMITS).catch((error) => {
    throw new IssuerUnavailableError(error instanceof KeywrightError ? error.message : `${url} could not be read`)
  })
  if (response.status !== 200) throw new IssuerUnavailableError(`${url} responded with status ${response.status}`)
  try {
    const document = parseJson(await response.text())
    if (isObject(document)) return document
  } catch {}
  throw new IssuerUnavailableError(`${url} is no valid JSON object`)
}

const PUBLISHED_AT = 'jwks_uri '

/** Names the keys of an issuer that are read at their URL, without discovery. No issuer identifier has a space. */
export const keySetAt = (location: string): string => `${PUBLISHED_AT}${location}`

/** @throws IssuerUnavailableError */
async function readKeysAt(fetch: IssuerFetch, location: string): Promise<JWK[]> {
  const { keys } = await readDocument(fetch, location)
  const usable = Array.isArray(keys) ? await usableKeys(keys.filter(isObject)) : []
  if (usable.length === 0) throw new IssuerUnavailableError(`${location} has no key that can verify a token`)
  return usable
}

/**
 * Reads the public keys of an issuer, or of a `keySetAt` (OpenID Connect Discovery 1.0, section 4; RFC 7517, section 5).
 * @throws IssuerUnavailableError
 */
export async function readIssuerKeys(fetch: IssuerFetch, issuer: string): Promise<JWK[]> {
  if (issuer.startsWith(PUBLISHED_AT)) return await readKeysAt(fetch, issuer.slice(PUBLISHED_AT.length))
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { issuer: named, jwks_uri: location } = await readDocument(fetch, address)
  if (named !== issuer) throw new IssuerUnavailableError(`${address} names another issuer`)
  const isSafe = typeof location === 'string' && (location.startsWith('https://') || issuer.startsWith('http://'))
  if (!isSafe || !URI.test(location)) throw new IssuerUnavailableError(`${address} has no valid jwks_uri`)
  return await readKeysAt(fetch, location)
}
