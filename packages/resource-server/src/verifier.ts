import type { JWTPayload } from 'jose'
import { type AccessToken, describeToken, scopesOf, verifyClaims } from './access-token.ts'
import { type Clock, systemClock } from './clock.ts'
import { checkConfirmations } from './confirmations.ts'
import type { DpopRules } from './dpop.ts'
import { AccessTokenError } from './errors.ts'
import { issuerKeys } from './key-set.ts'
import { createListSource } from './list-source.ts'
import { type Settings, settle, type VerifierOptions } from './options.ts'
import { rememberHere } from './proof-memory.ts'
import { presentedToken, type VerifiableRequest } from './requests.ts'
import { checkStatus } from './status-check.ts'
import { StatusFeed } from './status-feed.ts'
import { StatusLists } from './status-lists.ts'

export interface VerifyOptions {
  /** Needed beside the verifier's own. */
  readonly requiredScopes?: readonly string[]
}

export interface Verifier {
  /**
   * The request's token, when it may be honoured.
   * @throws AccessTokenError
   */
  verify(request: VerifiableRequest, options?: VerifyOptions): Promise<AccessToken>
  /** Begins to follow the feed, where there is one, before the first request does. */
  start(): void
  /** Ends it; nothing is left that keeps the process alive. */
  close(): Promise<void>
  /** Whether revocations arrive over the feed at this moment. */
  isLive(): boolean
  readonly settings: Settings
}

function checkScopes(claims: JWTPayload, needed: readonly string[]): void {
  if (needed.length === 0) return
  const granted = scopesOf(claims)
  if (needed.every((scope) => granted.includes(scope))) return
  const scope = needed.join(' ')
  throw new AccessTokenError('insufficient_scope', `this takes an access token with the scope ${scope}`, { scope })
}

function dpopRules(settings: Settings, clock: Clock): DpopRules {
  const { clockTolerance, dpop } = settings
  const remember = dpop.remember ?? rememberHere(clock, dpop.maxProofs)
  return { maxAge: dpop.maxAge, clockTolerance, remember, clock }
}

/**
 * Verifies access tokens of one issuer for one API. Make one for the whole process: it holds the lists.
 * @throws VerifierOptionsError
 */
export function createVerifier(options: VerifierOptions, clock: Clock = systemClock): Verifier {
  const settings = settle(options)
  const { issuer, origin, algorithms, clockTolerance, fetch, onProblem: report } = settings
  const keys = issuerKeys(settings.jwksUri, fetch, clock, report)
  const trust = { issuer, keys, algorithms, clockTolerance, clock }
  const tokenTrust = { ...trust, audience: settings.audience }
  const rules = dpopRules(settings, clock)
  const status = settings.statusList && followStatus(settings.statusList)

  function followStatus(choices: Exclude<Settings['statusList'], false>) {
    const { maxListBytes, maxLists, timeout, maxAge, feed: credentials } = choices
    const source = createListSource({ ...trust, fetch, maxListBytes, timeout: timeout * 1000 })
    const lists = new StatusLists({
      source,
      clock,
      origin,
      maxAge: maxAge && maxAge * 1000,
      clockTolerance: clockTolerance * 1000,
      maxLists,
      report,
    })
    const url = settings.feedUri
    const feed = credentials && new StatusFeed({ url, credentials, fetch, lists, maxListBytes, report })
    return { choices, lists, feed }
  }

  return {
    settings,
    start() {
      if (status) status.feed?.start()
    },
    async close() {
      if (status) await status.feed?.stop()
    },
    isLive: () => status !== false && status.lists.isLive(),
    async verify(request, { requiredScopes = [] } = {}) {
      if (status) status.feed?.start()
      const presented = presentedToken(request)
      const claims = await verifyClaims(presented.token, tokenTrust)
      await checkConfirmations(request, presented, claims, rules)
      // What is wrong with the token itself comes first: for its sake no list is fetched (Token Status List, section 8.3).
      const found = status ? await checkStatus(claims, status.lists, status.choices) : 'unknown'
      checkScopes(claims, [...settings.requiredScopes, ...requiredScopes])
      return describeToken(claims, found)
    },
  }
}
