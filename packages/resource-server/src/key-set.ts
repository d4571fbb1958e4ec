import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { backoff } from './backoff.ts'
import { type Fetch, fetchBounded } from './bounded-fetch.ts'
import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'
import { messageOf, type Report } from './errors.ts'

/** Milliseconds and bytes. */
const BOUNDS = { timeout: 5000, maxBytes: 512 * 1024 }
const MEDIA_TYPES = 'application/jwk-set+json, application/json'

/** Milliseconds after which the keys are fetched anew, behind the requests; then before them; then not done without. */
const DUE = 600_000
const OVERDUE = 1_200_000
const LONGEST = 86_400_000
/** How old they must be for a key that is not among them to be looked for; anybody can make one up. */
const COOLDOWN = 30_000

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000

type LocalKeys = ReturnType<typeof createLocalJWKSet>

/** The keys cannot be had; of the token this says nothing. */
class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

/**
 * The issuer's keys (RFC 7517). While the issuer cannot be reached, the last ones serve for a day: jose's own set forgets them
 * after ten minutes, and whether a token is good for that long without the issuer is what `onUnknown` decides.
 */
export function issuerKeys(jwksUri: string, fetch: Fetch, clock: Clock, report: Report): JWTVerifyGetKey {
  let keys: LocalKeys | undefined
  let fetchedAt: Moment | undefined
  let refreshing: Promise<void> | undefined
  let failed: { readonly at: Moment; readonly pause: number; readonly times: number } | undefined

  async function renew(): Promise<void> {
    try {
      const { body } = await fetchBounded(fetch, jwksUri, { accept: MEDIA_TYPES }, BOUNDS)
      keys = createLocalJWKSet(JSON.parse(new TextDecoder().decode(body)) as JSONWebKeySet)
      fetchedAt = momentOf(clock)
      failed = undefined
    } catch (cause) {
      const times = (failed?.times ?? 0) + 1
      failed = { at: momentOf(clock), pause: backoff(times, FIRST_PAUSE, LONGEST_PAUSE), times }
      report({ code: 'keys_unavailable', message: `${jwksUri}: ${messageOf(cause)}`, cause })
    }
  }

  /** One request at a time, and none so soon after one that failed. Never rejects. */
  async function refresh(): Promise<void> {
    if (!refreshing && failed && elapsedSince(clock, failed.at) < failed.pause) return
    refreshing ??= renew().finally(() => {
      refreshing = undefined
    })
    await refreshing
  }

  const age = () => (fetchedAt ? elapsedSince(clock, fetchedAt) : Number.POSITIVE_INFINITY)

  async function present(): Promise<LocalKeys> {
    const old = age()
    if (old > OVERDUE) await refresh()
    else if (old > DUE) void refresh()
    if (keys && age() <= LONGEST) return keys
    throw new KeysUnavailableError('the keys of the issuer cannot be had')
  }

  return async (header, token) => {
    const held = await present()
    try {
      return await held(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age() <= COOLDOWN) throw error
    }
    await refresh()
    if (failed) throw new KeysUnavailableError('whether the issuer has such a key cannot be told')
    return await (await present())(header, token)
  }
}
