import { challengesOf } from './challenges.ts'
import { AccessTokenError } from './errors.ts'
import type { Description } from './metadata.ts'
import { metadataAt } from './metadata.ts'
import { addressOf, plainOrigin, type VerifiableRequest } from './requests.ts'
import type { Verifier, VerifyOptions } from './verifier.ts'

/** What a binding is told. */
export interface BindingOptions extends VerifyOptions {
  /**
   * The API's origin as its clients see it, such as `https://api.example.com`; without, as the request says. A DPoP proof
   * names it, so behind a proxy either this is set or the framework is told to trust the proxy.
   */
  readonly origin?: string
}

export interface MetadataOptions extends Description {}

/** Of a refusal, or of the metadata; as JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** @throws whatever it is, if it is no refusal */
export function refusalAnswer(error: unknown, { settings }: Verifier): Answer {
  if (!(error instanceof AccessTokenError)) throw error
  const challenges = challengesOf(error, settings)
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(challenges !== undefined && { 'www-authenticate': challenges }),
      ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
    },
    body: JSON.stringify({ error: error.error ?? error.code, error_description: error.message, code: error.code }),
  }
}

/** RFC 9728, section 3.1; undefined for every other request. */
export function metadataAnswer(
  method: string,
  path: string,
  { settings }: Verifier,
  options?: MetadataOptions,
): Answer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const body = metadataAt(settings, path, options)
  if (body === undefined) return undefined
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'public, max-age=3600',
    'access-control-allow-origin': '*',
  }
  return { status: 200, headers, body }
}

/** @param path with its query, as it was asked for */
export const requestOf = (
  method: string,
  origin: string,
  path: string,
  headers: VerifiableRequest['headers'],
  options: BindingOptions,
): VerifiableRequest => ({ method, url: addressOf(options.origin ?? plainOrigin(origin), path), headers })
