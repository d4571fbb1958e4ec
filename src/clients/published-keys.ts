import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { freshnessOf } from '../shared/freshness.ts'
import { parseJson } from '../shared/json-text.ts'
import { checkPublic, MAX_KEYS, type PublicKey, parsePublicKey } from './client-keys.ts'

/** Keys of any use in one document; each is looked at. */
const MAX_LISTED = 50

/** RFC 7517, section 8.5, and what most servers send. */
const MEDIA_TYPE = /^application\/(?:json|jwk-set\+json)\s*(?:;|$)/i

/** In seconds. */
export const MAX_REFRESH_AGE = 3600

const REFRESH_BOUNDS = { min: 300, max: MAX_REFRESH_AGE, initial: 900 }

/** The public keys that a client publishes. */
export interface PublishedKeys {
  readonly keys: readonly PublicKey[]
  /** Seconds after which they shall be fetched again. */
  readonly refreshAfter: number
}

const invalid = (message: string) => invalidInput(message, 'jwksUri')

/** @throws KeywrightError `invalid_input` */
function keysIn(text: string): Readonly<Record<string, unknown>>[] {
  const keys = (parseJson(text) as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.some((key) => key === null || typeof key !== 'object'))
    throw invalid('the response is no JWK set (RFC 7517, section 5): an object with the member keys')
  if (keys.length > MAX_LISTED) throw invalid(`the key set has more than ${MAX_LISTED} keys`)
  for (const key of keys) checkPublic(key)
  return keys
}

/** The key, or why it cannot verify assertions: such keys are ignored (RFC 7517, section 5). */
async function usableKey(given: Readonly<Record<string, unknown>>): Promise<PublicKey | KeywrightError> {
  const { key_ops } = given
  if (Array.isArray(key_ops) && !key_ops.includes('verify')) return invalid('a key is not for signatures (key_ops)')
  try {
    return await parsePublicKey(given)
  } catch (error) {
    if (error instanceof KeywrightError) return error
    throw error
  }
}

/** A key that is listed under several IDs or algorithms counts for each. */
function merged({ jwk: { kid, alg, ...jwk }, thumbprint }: PublicKey, other: PublicKey): PublicKey {
  return {
    jwk: {
      ...jwk,
      ...(kid !== undefined && kid === other.jwk.kid && { kid }),
      ...(alg !== undefined && alg === other.jwk.alg && { alg }),
    },
    thumbprint,
  }
}

function withoutRepetitions(keys: readonly PublicKey[]): PublicKey[] {
  const found = new Map<string, PublicKey>()
  for (const key of keys) {
    const name = key.thumbprint.toString('hex')
    const before = found.get(name)
    found.set(name, before ? merged(before, key) : key)
  }
  return [...found.values()]
}

/**
 * Reads the response of a `jwks_uri`. Keys of other uses and types are ignored; none at all withdraws every key.
 * @throws KeywrightError `invalid_input`
 */
export async function readPublishedKeys(response: Response): Promise<PublishedKeys> {
  const { status, headers } = response
  if (status !== 200) throw invalid(`the response has the status ${status}, not 200; redirects are not followed`)
  if (!MEDIA_TYPE.test(headers.get('content-type') ?? ''))
    throw invalid('the media type of the response is neither application/json nor application/jwk-set+json')
  const listed = await Promise.all(keysIn(await response.text()).map(usableKey))
  const keys = withoutRepetitions(listed.flatMap((one) => (one instanceof KeywrightError ? [] : [one])))
  const problem = listed.find((one) => one instanceof KeywrightError)
  if (keys.length === 0 && problem) throw invalid(`no key of the set can be used: ${problem.message}`)
  if (keys.length > MAX_KEYS) throw invalid(`the key set has more than ${MAX_KEYS} keys for signatures`)
  return { keys, refreshAfter: freshnessOf(headers, REFRESH_BOUNDS) }
}
