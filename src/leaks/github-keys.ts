import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { KeywrightError } from '../shared/errors.ts'

/** GitHub's public keys for secret scanning, fetched when they are needed. */
export interface GithubKeys {
  /** Undefined: GitHub has no such key. @throws KeywrightError `unavailable` */
  find(identifier: string): Promise<KeyObject | undefined>
}

interface GithubKeysOptions {
  readonly url: string
  /** Reads at most 64 KiB, and answers or throws in a bounded time. */
  fetch(url: string): Promise<Response>
  /** Milliseconds, of a clock that only goes forward. */
  readonly now?: () => number
}

const MINUTE = 60_000

/** Between two requests for the keys, also when they fail: a stranger can send any key identifier. */
const SHORTEST_INTERVAL = 5 * MINUTE

/** After this time the keys are fetched again: GitHub may have withdrawn one. */
const FRESH = 60 * MINUTE

/** Keys that cannot be fetched again are used so long. */
const USABLE = 24 * 60 * MINUTE

const MAX_KEYS = 50

/** A P-256 key in PEM; undefined for any other text. */
function publicKeyOf(pem: unknown): KeyObject | undefined {
  try {
    const key = createPublicKey(String(pem))
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    return undefined
  }
}

type Keys = ReadonlyMap<string, KeyObject>

function keysIn(document: unknown): Keys {
  const { public_keys: listed } = (document ?? {}) as { public_keys?: unknown }
  if (!Array.isArray(listed)) throw new KeywrightError('unavailable', 'the answer holds no list of public keys')
  const keys = listed
    .slice(0, MAX_KEYS)
    .map((one) => [String(one?.key_identifier), publicKeyOf(one?.key)] as const)
    .filter((one): one is readonly [string, KeyObject] => one[1] !== undefined)
  return new Map(keys)
}

const unavailable = (cause?: unknown): KeywrightError =>
  new KeywrightError('unavailable', "GitHub's public keys cannot be fetched; try again", { cause })

export function createGithubKeys({ url, fetch, now = () => performance.now() }: GithubKeysOptions): GithubKeys {
  let keys: Keys = new Map()
  let [fetchedAt, triedAt] = [-Infinity, -Infinity]
  let running: Promise<void> | undefined
  let failure: unknown

  async function load(): Promise<void> {
    triedAt = now()
    try {
      const response = await fetch(url)
      if (!response.ok)
        throw new KeywrightError('unavailable', `the server of the public keys answered ${response.status}`)
      keys = keysIn(await response.json())
      ;[fetchedAt, failure] = [now(), undefined]
    } catch (error) {
      failure = error
    }
  }

  /** Requests that come meanwhile wait for the same answer. */
  async function refresh(): Promise<void> {
    if (!running && now() - triedAt < SHORTEST_INTERVAL) return
    running ??= load().finally(() => {
      running = undefined
    })
    await running
  }

  return {
    async find(identifier) {
      if (!keys.has(identifier) || now() - fetchedAt >= FRESH) await refresh()
      if (now() - fetchedAt >= USABLE) throw unavailable(failure)
      return keys.get(identifier)
    },
  }
}

/** Whether the owner of the key signed these bytes: ECDSA with SHA-256. @param signature DER in base64 */
export const isSignedBy = (key: KeyObject, body: Buffer, signature: string): boolean =>
  verify('sha256', body, key, Buffer.from(signature, 'base64'))
