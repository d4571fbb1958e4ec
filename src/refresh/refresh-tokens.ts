import type { Knex } from 'knex'
import type { LockedUser } from '../accounts/user-locks.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { lockConsentShared } from '../consents/consent-locks.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { generateSecret } from '../shared/secrets.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { Issuer } from '../tokens/issuance.ts'
import type { TokenRequest } from '../tokens/planned-token.ts'
import { retryOnStaleClient, rollBackIfStale } from '../tokens/stale-client.ts'
import { type ActiveRefreshToken, findActiveRefreshToken, type RefreshRow } from './active-refresh-tokens.ts'
import { hashesOf, type IssuedTokens, insertFamily } from './refresh-token-families.ts'
import {
  type PresentedRefreshToken,
  type RedeemedTokens,
  type Redemption,
  responseInGracePeriod,
  revokeReusedGrant,
  rotateRefreshToken,
} from './refresh-token-rotation.ts'

const invalidGrant = (reason: RefusalReason = 'refresh_token_invalid') =>
  new KeywrightError('invalid_grant', 'the refresh token is invalid, expired or revoked', { reason })
const otherApi = () => new KeywrightError('invalid_target', 'the refresh token is for another API')

/**
 * Locks the user and the consent of a grant. Users before refresh tokens: revocation locks in that order too. Returns the
 * user; null: the client acts for itself.
 */
async function lockConsentOfGrant(trx: Knex, family: Buffer): Promise<LockedUser | null> {
  const grant = await trx('refresh_tokens AS r')
    .join('apis AS a', 'a.id', 'r.api_id')
    .where({ family_hash: family })
    .first('subject', 'consent_id', 'scope', 'identifier')
  if (!grant?.subject) return null
  const { subject: userId, consent_id: consentId, identifier: api, scope } = grant
  return await lockConsentShared(trx, { userId, consentId, api, scope })
}

/**
 * Locks the grant's row, then reads it: of concurrent redemptions, each later one sees what the earlier one did.
 * @throws KeywrightError `invalid_grant` when this client has no such active grant
 */
async function lockGrant(
  trx: Knex,
  client: AuthenticatedClient,
  family: Buffer,
): Promise<Pick<Redemption, 'row' | 'user'>> {
  const user = await lockConsentOfGrant(trx, family)
  await trx('refresh_tokens').where({ family_hash: family }).forUpdate().first('grant_id')
  const row: RefreshRow | undefined = await trx('active_refresh_tokens')
    .where({ family_hash: family, client_id: client.registration.key })
    // By the database's clock, which has set rotated_at: a node's clock may differ by more than the grace period.
    .first('*', trx.raw('extract(epoch FROM clock_timestamp() - rotated_at)::float8 AS seconds_ago'))
  if (!row) throw invalidGrant()
  return { row, user }
}

/** @throws KeywrightError `invalid_grant`, `invalid_target` */
function checkBindings({ client, row, presented }: Redemption): void {
  const { jkt, 'x5t#S256': certificate } = row.binding ?? {}
  if (jkt !== undefined && jkt !== presented.jkt) throw invalidGrant()
  if (certificate !== undefined && certificate !== client.certificateThumbprint) throw invalidGrant()
  if ((presented.resource ?? row.audience) !== row.audience) throw otherApi()
}

/** Issues and redeems refresh tokens (RFC 6749, section 6), with rotation and reuse detection (RFC 9700, section 4.14.2). */
export class RefreshTokens {
  readonly #knex: Knex
  readonly #issuer: Issuer

  constructor(knex: Knex, issuer: Issuer) {
    this.#knex = knex
    this.#issuer = issuer
  }

  /** Issues an access token and a refresh token to a client that acts for itself. Records both in one transaction. */
  issue(request: TokenRequest): Promise<Required<IssuedTokens>> {
    return retryOnStaleClient(request.client, (client) => this.#issueOnce({ ...request, client }))
  }

  /**
   * Redeems a refresh token once, and rotates it. If the client presents it again within the grace period, it gets the same
   * response. A later reuse revokes the grant: the refresh token and every access token issued from it.
   * @throws KeywrightError `invalid_grant`, `invalid_scope`, `invalid_target`
   * @throws QuotaExceededError; the refresh token stays valid
   */
  redeem(client: AuthenticatedClient, presented: PresentedRefreshToken): Promise<RedeemedTokens> {
    return retryOnStaleClient(client, (current) => this.#redeemOnce(current, presented))
  }

  /** Introspects a refresh token. Undefined when it is not active. */
  find(token: string): Promise<ActiveRefreshToken | undefined> {
    return findActiveRefreshToken(this.#knex, token)
  }

  async #issueOnce(request: TokenRequest): Promise<Required<IssuedTokens> | undefined> {
    await this.#issuer.prepare(request)
    const refreshToken = generateSecret('refreshToken')
    return await rollBackIfStale(this.#knex, async (trx) => {
      const planned = await planInTransaction(trx, this.#issuer, { ...request, grantId: newId() })
      if (!planned) return undefined
      const refreshTokenExpiresIn = await insertFamily(trx, request.client, planned, refreshToken)
      return { ...(await this.#issuer.sign(planned, planned.quota)), refreshToken, refreshTokenExpiresIn }
    })
  }

  async #redeemOnce(client: AuthenticatedClient, presented: PresentedRefreshToken) {
    const hashes = hashesOf(presented.token)
    if (!hashes) throw invalidGrant()
    await this.#issuer.prepare()
    const result = await rollBackIfStale(this.#knex, async (trx) => {
      const redemption = { client, presented, hashes, ...(await lockGrant(trx, client, hashes.family)) }
      checkBindings(redemption)
      return await this.#redeemInTransaction(trx, redemption)
    })
    // Thrown after the commit: an error inside the transaction would roll the revocation back.
    if (result === 'reused') throw invalidGrant('refresh_token_reused')
    return result
  }

  /** Undefined when the client is stale. `reused`: the grant was revoked. */
  async #redeemInTransaction(trx: Knex, redemption: Redemption): Promise<RedeemedTokens | 'reused' | undefined> {
    const { row, hashes } = redemption
    if (row.current_hash.equals(hashes.rotation)) return await rotateRefreshToken(trx, this.#issuer, redemption)
    const response = await responseInGracePeriod(trx, redemption)
    if (response) return response
    await revokeReusedGrant(trx, redemption)
    return 'reused'
  }
}
