import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { type QuotaDecision, QuotaExceededError } from '../clients/quotas.ts'
import type { ServerWatch } from '../database/server-watch.ts'
import { signJwt } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { StatusIndexes } from '../status/status-indexes.ts'
import type { AccessTokenStore } from './access-token-store.ts'
import { type PlannedToken, type PlanResult, planToken, selectApi, type TokenRequest } from './planned-token.ts'
import { retryOnStaleClient } from './stale-client.ts'

export interface IssuedToken {
  /** The signed JWT. */
  readonly accessToken: string
  readonly jti: string
  readonly audience: string
  /** Seconds. */
  readonly expiresIn: number
  readonly scope: string
  /** Undefined: the client has no quota. */
  readonly quota: QuotaDecision | undefined
  /** The client received the same token before. */
  readonly isReused: boolean
}

export interface IssuerOptions {
  readonly accessTokenStore: AccessTokenStore
  readonly keyRings: KeyRings
  readonly statusIndexes: StatusIndexes
  readonly server: ServerWatch
  /** The `iss` claim. */
  readonly issuerUrl: string
  /** The database's clock, so that a token's lifetime does not depend on the node that issues it. */
  readonly clock: Clock
}

/**
 * How often a request waits for a lease of status indexes. Of many requests that wait for the first lease of an API, the
 * later ones find it used up and wait for the next, of 1,024 indexes each: this serves 64,000 requests that wait at once.
 */
const LEASE_ATTEMPTS = 64

/**
 * Issues access tokens (RFC 9068) in three steps: plan (decide the claims), record (in PostgreSQL), sign. A token is signed
 * only after it was recorded, so every valid token can be introspected and revoked. Under the token policy `single`,
 * recording a token revokes the earlier one (`record-statement.ts`).
 */
export class Issuer {
  readonly #options: IssuerOptions

  constructor(options: IssuerOptions) {
    this.#options = options
  }

  /**
   * Issues a token, and retries while the client's registration is stale.
   * @throws KeywrightError as `planToken`; `invalid_client` when the client no longer authenticates, or its assertion was used before; `unavailable`
   * @throws QuotaExceededError
   */
  issue(request: TokenRequest): Promise<IssuedToken> {
    return retryOnStaleClient(request.client, (client) => this.issueOnce({ ...request, client }))
  }

  /**
   * Issues a token. Undefined when the client's registration or the signing key is stale: then nothing was recorded, or only
   * a token that the revocation of its key has revoked. @throws as `issue`
   */
  async issueOnce(request: TokenRequest): Promise<IssuedToken | undefined> {
    const { accessTokenStore, keyRings } = this.#options
    const { signingAlg } = selectApi(request.client.registration, request.resource)
    // The first API with this algorithm may have been created a moment ago.
    if (!keyRings.ring.has(signingAlg)) await keyRings.follow()
    const result = this.plan(request)
    const planned = result.status === 'planned' ? result.planned : await this.#planAfterLease(request)
    const { recorded, keyRingVersion, quota, isFirstUse } = await accessTokenStore.record(planned.record)
    if (isFirstUse !== undefined) this.#settleUse(request.client, planned, isFirstUse)
    if (quota) this.checkQuota(planned, quota)
    // A revoked key raised the version of the API. The statement may have waited for that, and then returns an earlier version.
    await keyRings.follow(recorded ? keyRingVersion : undefined)
    // The key was revoked, and this node did not know: the recorded token is inactive, and a retry issues another one.
    if (!recorded || !keyRings.ring.byId(planned.signingKey.kid)) return undefined
    if (request.client.pendingUse?.unrecorded) throw new Error('a token was recorded without the use of its assertion')
    return await this.sign(planned, quota)
  }

  /**
   * Refuses a planned token that is beyond an enforced quota. Its status index serves another token: a client that ignores its
   * quota must not use up status lists.
   * @throws QuotaExceededError
   */
  checkQuota({ api, status }: PlannedToken, { outcome, uses }: QuotaDecision): void {
    if (outcome !== 'refused') return
    this.#options.statusIndexes.putBack(api.id, status)
    throw new QuotaExceededError(uses)
  }

  /** The status index of a token that was not recorded serves another one. @throws KeywrightError `invalid_client`: a replay */
  #settleUse({ pendingUse }: AuthenticatedClient, { api, status }: PlannedToken, isFirst: boolean): void {
    if (!isFirst) this.#options.statusIndexes.putBack(api.id, status)
    pendingUse?.settle(isFirst)
  }

  /** @throws KeywrightError as `planToken` */
  plan(request: TokenRequest): PlanResult {
    const { issuerUrl, statusIndexes, server, keyRings, clock } = this.#options
    return planToken(request, issuerUrl, statusIndexes, server, keyRings.ring, clock.now())
  }

  /** Waits for status indexes, then plans. @throws KeywrightError as `planToken`, and `unavailable` */
  async #planAfterLease(request: TokenRequest): Promise<PlannedToken> {
    for (let n = 0; n < LEASE_ATTEMPTS; n++) {
      await this.#options.statusIndexes.ready()
      const result = this.plan(request)
      if (result.status === 'planned') return result.planned
    }
    throw new KeywrightError('unavailable', 'too many tokens of this API are requested at once; try again')
  }

  /**
   * Reads the signing keys again if they changed. Waits until status indexes are leased: those that an earlier `plan`
   * lacked, and those of the API of `request`. A caller that plans inside a transaction calls this before it: inside, it
   * would need a second connection, and a full pool would wait for itself.
   */
  async prepare(request?: Pick<TokenRequest, 'client' | 'resource'>): Promise<void> {
    const { statusIndexes, keyRings } = this.#options
    await statusIndexes.ready(request && selectApi(request.client.registration, request.resource).id)
    await keyRings.follow()
  }

  /** Signs a token that was recorded, with the key that its record names. */
  async sign({ record, claims, api, signingKey }: PlannedToken, quota?: QuotaDecision): Promise<IssuedToken> {
    return {
      accessToken: await signJwt(signingKey, api.tokenType, claims),
      jti: record.jti,
      audience: api.identifier,
      expiresIn: record.expiresAt - record.issuedAt,
      scope: record.scope,
      quota,
      isReused: false,
    }
  }
}
