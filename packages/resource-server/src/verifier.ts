import { type AccessToken, describeToken, verifyClaims } from './access-token.ts'
import { type Clock, systemClock } from './clock.ts'
import { checkConfirmations } from './confirmations.ts'
import type { DpopRequirements } from './dpop.ts'
import { DpopReplayCache } from './dpop-replay-cache.ts'
import { AccessTokenError } from './errors.ts'
import { KeySet } from './key-set.ts'
import { createListSource } from './list-source.ts'
import { normalizeOptions, type Settings, type VerifierOptions } from './options.ts'
import { presentedToken, type VerifiableRequest } from './requests.ts'
import { checkScopes } from './scopes.ts'
import { checkStatus, type StatusPolicy } from './status-check.ts'
import { StatusFeed } from './status-feed.ts'
import { StatusLists } from './status-lists.ts'

export interface VerifyOptions {
  /** Required in addition to the verifier's own. */
  readonly requiredScopes?: readonly string[]
}

export interface Verifier {
  /**
   * Verifies the request's access token and returns it.
   * @throws AccessTokenError if the request must be rejected
   */
  verify(request: VerifiableRequest, options?: VerifyOptions): Promise<AccessToken>
  /** Starts to follow the revocation feed, if there is one. Otherwise the first request does. */
  start(): void
  /** Stops following the feed. Afterwards nothing keeps the process alive. */
  close(): Promise<void>
  /** Whether revocations arrive over the feed now. */
  isLive(): boolean
  readonly settings: Settings
}

/** The revocation status of tokens, by lists and the feed. */
interface StatusTracking {
  readonly policy: StatusPolicy
  readonly lists: StatusLists
  readonly feed: StatusFeed | undefined
}

function dpopRequirements({ clockTolerance, dpop }: Settings, clock: Clock): DpopRequirements {
  const cache = new DpopReplayCache(clock, dpop.maxProofs)
  const recordProof = dpop.recordProof ?? ((proof, expiresAt) => cache.record(proof, expiresAt))
  return { maxAge: dpop.maxAge, clockTolerance, recordProof, clock }
}

function trackStatus(settings: Settings, keys: KeySet, clock: Clock): StatusTracking | undefined {
  const { issuer, origin, algorithms, clockTolerance, fetch, onProblem: report, statusList: policy } = settings
  if (!policy) return undefined
  const { maxListBytes, maxLists, timeout, maxAge, feed: credentials } = policy
  const requirements = { issuer, keys: keys.getKey, algorithms, clockTolerance, clock, maxListBytes }
  const lists = new StatusLists({
    source: createListSource({ ...requirements, fetch, timeout: timeout * 1000 }),
    clock,
    origin,
    maxAge: maxAge && maxAge * 1000,
    clockTolerance: clockTolerance * 1000,
    maxLists,
    report,
  })
  const url = settings.feedUri
  const feed = credentials && new StatusFeed({ url, credentials, fetch, lists, keys, maxListBytes, report })
  return { policy, lists, feed }
}

/**
 * Creates a verifier for access tokens of one issuer for one API. Create one for the whole process: it holds the lists.
 * @throws VerifierOptionsError
 */
export function createVerifier(options: VerifierOptions, clock: Clock = systemClock): Verifier {
  const settings = normalizeOptions(options)
  const { issuer, audience, algorithms, clockTolerance } = settings
  const keys = new KeySet({ url: settings.jwksUri, fetch: settings.fetch, clock, report: settings.onProblem })
  const token = { issuer, audience, keys: keys.getKey, algorithms, clockTolerance, clock }
  const dpop = dpopRequirements(settings, clock)
  const status = trackStatus(settings, keys, clock)

  return {
    settings,
    start() {
      status?.feed?.start()
    },
    async close() {
      await status?.feed?.stop()
    },
    isLive: () => status?.lists.isLive() ?? false,
    async verify(request, { requiredScopes = [] } = {}) {
      status?.feed?.start()
      const presented = presentedToken(request)
      const claims = await verifyClaims(presented.token, token)
      try {
        await checkConfirmations(request, presented, claims, dpop, settings.certificateHeader)
        // After the checks of the token itself: no list is fetched for an invalid token (Token Status List, section 8.3).
        const tokenStatus = status ? await checkStatus(claims, status.lists, status.policy) : 'unknown'
        checkScopes(claims, [...settings.requiredScopes, ...requiredScopes], settings)
        return describeToken(claims, tokenStatus)
      } catch (error) {
        if (error instanceof AccessTokenError) error.tokenId = claims.jti
        throw error
      }
    },
  }
}
