import type { Knex } from 'knex'
import { resolveScope } from '../apis/scopes.ts'
import { planInTransaction } from './insert-in-transaction.ts'
import type { IssuedToken, Issuer } from './issuance.ts'
import { selectApi, type TokenRequest } from './planned-token.ts'
import {
  type createFreshTokens,
  type FreshToken,
  findFreshLocked,
  keepForReuse,
  type ReusableRequest,
  requestHash,
} from './reusable-tokens.ts'
import { retryOnStaleClient, rollBackIfStale } from './stale-client.ts'

/** How often a request waits for another one that issues its token, before it issues one itself. */
const WAITS = 3

/**
 * The request as far as it decides which token may be used again. Undefined: the client wants a new token each time, or the token
 * is bound to a key that only this request proves.
 * @throws KeywrightError `invalid_target`, `invalid_scope`
 */
function reusableRequest({ client, resource, scope, extra }: TokenRequest): ReusableRequest | undefined {
  const { registration, authentication } = client
  if (registration.reuseWindow === null || !authentication?.clientSecret || extra) return undefined
  const api = selectApi(registration, resource)
  return {
    clientKey: registration.key,
    clientVersion: registration.version,
    apiId: api.id,
    apiVersion: api.version,
    scope: resolveScope(scope, api.scopes),
    window: registration.reuseWindow,
    secretId: authentication.secretId,
    apiKeyHash: authentication.apiKeyHash,
    clientSecret: authentication.clientSecret,
  }
}

function toIssued(request: TokenRequest, { scope }: ReusableRequest, token: FreshToken): IssuedToken {
  const audience = selectApi(request.client.registration, request.resource).identifier
  return { ...token, audience, scope, quota: undefined, isReused: true }
}

/**
 * The access tokens of clients that act for themselves: the token that is still fresh, where the client's registration has a
 * window in which the same request receives the same token, and otherwise a new one.
 *
 * A fresh token takes one read, which also checks that the token is active and the registration current. A new token of such a
 * client takes a transaction, once per window.
 */
export class ClientTokens {
  readonly #knex: Knex
  readonly #issuer: Issuer
  readonly #findFresh: ReturnType<typeof createFreshTokens>
  /** The requests for which this process issues a token. */
  readonly #pending = new Map<string, Promise<unknown>>()

  constructor(knex: Knex, issuer: Issuer, findFresh: ReturnType<typeof createFreshTokens>) {
    this.#knex = knex
    this.#issuer = issuer
    this.#findFresh = findFresh
  }

  /** As `Issuer.issue`. */
  issue(request: TokenRequest): Promise<IssuedToken> {
    return retryOnStaleClient(request.client, (client) => this.issueOnce({ ...request, client }))
  }

  /** As `Issuer.issueOnce`. */
  async issueOnce(request: TokenRequest): Promise<IssuedToken | undefined> {
    if (request.client.registration.reuseWindow === null) return await this.#issuer.issueOnce(request)
    const reusable = reusableRequest(request)
    if (!reusable) return await this.#issuer.issueOnce(request)
    for (let n = 0; n < WAITS; n++) {
      const { isCurrent, token } = await this.#findFresh(reusable)
      if (!isCurrent) return undefined
      if (token) return toIssued(request, reusable, token)
      const pending = this.#pending.get(this.#keyOf(reusable))
      if (!pending) break
      // Its token may be revoked by now, so it is looked up again.
      await pending.catch(() => undefined)
    }
    return await this.#issueAlone(request, reusable)
  }

  readonly #keyOf = (reusable: ReusableRequest): string =>
    `${reusable.clientKey} ${requestHash(reusable).toString('hex')}`

  /** Lets the same requests of this process wait, so that they do not hold a connection each. */
  #issueAlone(request: TokenRequest, reusable: ReusableRequest): Promise<IssuedToken | undefined> {
    const key = this.#keyOf(reusable)
    const issuing = this.#issueInTransaction(request, reusable).finally(() => {
      if (this.#pending.get(key) === issuing) this.#pending.delete(key)
    })
    this.#pending.set(key, issuing)
    return issuing
  }

  async #issueInTransaction(request: TokenRequest, reusable: ReusableRequest): Promise<IssuedToken | undefined> {
    await this.#issuer.prepare(request)
    return await rollBackIfStale(this.#knex, async (trx) => {
      const { isCurrent, token } = await findFreshLocked(trx, reusable)
      if (!isCurrent) return undefined
      if (token) return toIssued(request, reusable, token)
      const planned = await planInTransaction(trx, this.#issuer, request)
      if (!planned) return undefined
      const issued = await this.#issuer.sign(planned, planned.quota)
      await keepForReuse(trx, reusable, planned.record, issued.accessToken)
      return issued
    })
  }
}
