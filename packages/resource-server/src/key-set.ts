import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { backoff } from './backoff.ts'
import { type Fetch, fetchBounded } from './bounded-fetch.ts'
import { type Clock, elapsedSince, type Moment, momentOf } from './clock.ts'
import { messageOf, type Report } from './errors.ts'

const BOUNDS = { timeout: 5000, maxBytes: 512 * 1024 }
const MEDIA_TYPES = 'application/jwk-set+json, application/json'

/** Age in milliseconds from which the keys are fetched again in the background. */
const REFRESH_AGE = 600_000
/** Age from which requests wait for that. */
const BLOCKING_AGE = 1_200_000
/** Age from which the keys are no longer used. */
const MAX_AGE = 86_400_000
/** Age from which an unknown `kid` causes a fetch. Anybody can send a token with an invented one. */
const UNKNOWN_KID_AGE = 30_000

/** Milliseconds between attempts. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000

type LocalKeys = ReturnType<typeof createLocalJWKSet>

/** The keys are unavailable, so nothing is known about the token. */
class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

interface Failure {
  readonly at: Moment
  readonly pause: number
  readonly attempts: number
}

export interface KeySetOptions {
  readonly url: string
  readonly fetch: Fetch
  readonly clock: Clock
  readonly report: Report
}

/**
 * The issuer's JWK Set (RFC 7517). While the issuer is unreachable the last keys stay in use for a day. jose's remote set
 * drops them after ten minutes, which would make `onUnknown: 'accept'` useless.
 */
export class KeySet {
  private readonly options: KeySetOptions
  private keys: LocalKeys | undefined
  private fetchedAt: Moment | undefined
  private refreshing: Promise<void> | undefined
  private failure: Failure | undefined

  constructor(options: KeySetOptions) {
    this.options = options
  }

  /** Finds the key of a token, for jose. */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.current()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.age() <= UNKNOWN_KID_AGE) throw error
    }
    await this.refresh()
    if (this.failure) throw new KeysUnavailableError('the key set cannot be searched for the key of the token')
    return await (await this.current())(header, token)
  }

  private async current(): Promise<LocalKeys> {
    const age = this.age()
    if (age > BLOCKING_AGE) await this.refresh()
    else if (age > REFRESH_AGE) void this.refresh()
    if (this.keys && this.age() <= MAX_AGE) return this.keys
    throw new KeysUnavailableError("the issuer's keys are unavailable")
  }

  private age(): number {
    return this.fetchedAt ? elapsedSince(this.options.clock, this.fetchedAt) : Number.POSITIVE_INFINITY
  }

  /** Sends one request for all callers, and none during the pause after a failure. Never rejects. */
  private async refresh(): Promise<void> {
    const { failure } = this
    if (!this.refreshing && failure && elapsedSince(this.options.clock, failure.at) < failure.pause) return
    this.refreshing ??= this.fetchKeys().finally(() => {
      this.refreshing = undefined
    })
    await this.refreshing
  }

  private async fetchKeys(): Promise<void> {
    const { url, fetch, clock, report } = this.options
    try {
      const { body } = await fetchBounded(fetch, url, { accept: MEDIA_TYPES }, BOUNDS)
      this.keys = createLocalJWKSet(JSON.parse(new TextDecoder().decode(body)) as JSONWebKeySet)
      this.fetchedAt = momentOf(clock)
      this.failure = undefined
    } catch (cause) {
      const attempts = (this.failure?.attempts ?? 0) + 1
      this.failure = { at: momentOf(clock), pause: backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE), attempts }
      report({ code: 'keys_unavailable', message: `${url}: ${messageOf(cause)}`, cause })
    }
  }
}
