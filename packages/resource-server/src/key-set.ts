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
/** Milliseconds between two fetches that announcements cause. */
const ANNOUNCEMENT_PAUSE = 30_000

/** Milliseconds between attempts. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000

const AWAITED = 'the key set lacks a key that the issuer has announced'

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

/** The key IDs that the issuer announces over the revocation feed. */
export interface KeyAnnouncement {
  /** The keys that it publishes. */
  readonly keys: readonly string[]
  readonly revoked: readonly string[]
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
  /** As it was fetched. */
  private published: JSONWebKeySet | undefined
  /** Without the revoked keys. */
  private keys: LocalKeys | undefined
  private fetchedAt: Moment | undefined
  private refreshing: Promise<void> | undefined
  private failure: Failure | undefined
  private announced: readonly string[] = []
  private readonly revoked = new Set<string>()
  /** Whether `published` lacks an announced key. */
  private isOutdated = false
  /** When an announcement last caused a fetch. */
  private followedAt: Moment | undefined

  constructor(options: KeySetOptions) {
    this.options = options
  }

  /** Finds the key of a token, for jose. */
  readonly getKey: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.current()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.revoked.has(header.kid!)) throw error
      if (this.age() <= UNKNOWN_KID_AGE) throw this.isAwaited(header.kid) ? new KeysUnavailableError(AWAITED) : error
    }
    await this.refresh()
    if (this.failure) throw new KeysUnavailableError('the key set cannot be searched for the key of the token')
    return await (await this.current())(header, token)
  }

  /**
   * Refuses the revoked keys from now on, even while a node of the issuer or an HTTP cache still publishes them. Fetches the
   * key set if an announced key is missing.
   */
  announce({ keys, revoked }: KeyAnnouncement): void {
    for (const kid of revoked) this.revoked.add(kid)
    this.announced = keys
    if (this.published) this.use(this.published)
    void this.follow()
  }

  /** The issuer's database may have been restored to a time before a revocation. */
  forgetRevoked(): void {
    this.revoked.clear()
    if (this.published) this.use(this.published)
  }

  /** Whether the issuer has announced the key, and the set lacks it. */
  private isAwaited(kid: string | undefined): boolean {
    return kid !== undefined && this.announced.includes(kid) && !this.revoked.has(kid)
  }

  /** Fetches the announced keys: at once, then at most every 30 s, or in the pauses of a failure while a fetch does not return them. */
  private async follow(): Promise<void> {
    // The request in progress may have begun before the announcement.
    await this.refreshing
    const { followedAt, failure } = this
    const isEarly = followedAt && elapsedSince(this.options.clock, followedAt) < ANNOUNCEMENT_PAUSE
    if (!this.isOutdated || (isEarly && !failure)) return
    this.followedAt = momentOf(this.options.clock)
    await this.refresh()
  }

  /** @throws JWKSInvalid */
  private use(published: JSONWebKeySet): void {
    createLocalJWKSet(published)
    const keys = published.keys.filter(({ kid }) => kid === undefined || !this.revoked.has(kid))
    this.keys = createLocalJWKSet({ keys })
    this.published = published
    const kids = new Set(keys.map(({ kid }) => kid))
    this.isOutdated = this.announced.some((kid) => !kids.has(kid) && !this.revoked.has(kid))
  }

  private async current(): Promise<LocalKeys> {
    const age = this.age()
    if (age > BLOCKING_AGE) await this.refresh()
    else if (age > REFRESH_AGE) void this.refresh()
    else if (this.isOutdated) void this.follow()
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

  private nextFailure(): Failure {
    const attempts = (this.failure?.attempts ?? 0) + 1
    const pause = backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE)
    return { at: momentOf(this.options.clock), pause, attempts }
  }

  private async fetchKeys(): Promise<void> {
    const { url, fetch, clock, report } = this.options
    try {
      const { body } = await fetchBounded(fetch, url, { accept: MEDIA_TYPES }, BOUNDS)
      this.use(JSON.parse(new TextDecoder().decode(body)) as JSONWebKeySet)
      this.fetchedAt = momentOf(clock)
      // A node that has not read the new keys yet, or an HTTP cache, has answered.
      this.failure = this.isOutdated ? this.nextFailure() : undefined
    } catch (cause) {
      this.failure = this.nextFailure()
      report({ code: 'keys_unavailable', message: `${url}: ${messageOf(cause)}`, cause })
    }
  }
}
