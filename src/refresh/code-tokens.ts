import type { Knex } from 'knex'
import type { LockedUser } from '../accounts/user-locks.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registration.ts'
import { lockConsentShared, type RequiredConsent } from '../consents/consent-locks.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { generateSecret } from '../shared/secrets.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { Issuer } from '../tokens/issuance.ts'
import { selectApi, type TokenRequest } from '../tokens/planned-token.ts'
import { retryOnStaleClient, rollBackIfStale } from '../tokens/stale-client.ts'
import { type IssuedTokens, insertFamily, revokeGrant, type UserFamily } from './refresh-token-families.ts'

/**
 * The result of claiming a one-time code: `first` use, a use that is `overlapping` with the first, a later use (`reused`), or
 * an `invalid` code: it is unknown, or its client's or user's tokens were revoked.
 */
export type Claim =
  /** `complete` records when the first use ended; call it last in the transaction. Uses that began earlier overlap it. */
  { readonly found: 'first'; complete(): Promise<void> } | { readonly found: 'overlapping' | 'reused' | 'invalid' }

/** A token request with a one-time code: an authorization code or a device code. */
export interface CodeTokenRequest extends Omit<TokenRequest, keyof LockedUser> {
  /** Derived from the code, so that a later use of the code finds the tokens that were issued from it. */
  readonly grantId: string
  readonly identityScope: string
  readonly family: UserFamily
  readonly withRefreshToken: boolean
  /** Claims the code inside the transaction that records the tokens. */
  claim(trx: Knex, client: Registration): Promise<Claim>
}

type ReusedCode = Pick<CodeTokenRequest, 'client' | 'grantId' | 'subject'>

const invalidGrant = (reason: RefusalReason) =>
  new KeywrightError('invalid_grant', 'the code is invalid, expired or already used', { reason })

/** The user's consent must cover every scope of the token. */
const requiredConsent = (request: CodeTokenRequest): RequiredConsent => ({
  userId: request.subject,
  consentId: request.family.consentId,
  api: selectApi(request.client.registration, request.resource).identifier,
  scope: `${request.identityScope} ${request.scope ?? ''}`,
})

/** Revokes the tokens that were issued from a reused code (RFC 6749, section 4.1.2). */
async function revokeTokensOfReusedCode(trx: Knex, { client, grantId, subject }: ReusedCode): Promise<void> {
  const revoked = await revokeGrant(trx, grantId)
  const { clientId, accountId } = client.registration
  await recordAudit(
    trx,
    { type: 'client', id: clientId },
    {
      action: 'code.reused',
      target: { type: 'grant', id: grantId },
      accountId,
      detail: { user_id: subject, revoked },
    },
  )
}

/** Issues the tokens of one-time codes: authorization codes (RFC 6749, section 4.1.3) and device codes (RFC 8628). */
export class CodeTokens {
  readonly #knex: Knex
  readonly #issuer: Issuer

  constructor(knex: Knex, issuer: Issuer) {
    this.#knex = knex
    this.#issuer = issuer
  }

  /**
   * Redeems a code once. Claims the code and records the access token and the refresh token in one transaction. A second use
   * revokes the tokens of the first (RFC 6749, section 4.1.2), unless the two overlap: then an impatient client has sent the
   * request twice.
   * @throws KeywrightError `invalid_grant`
   * @throws QuotaExceededError; the code can be redeemed later
   */
  redeem(request: CodeTokenRequest): Promise<IssuedTokens> {
    return retryOnStaleClient(request.client, (client) => this.#redeemOnce({ ...request, client }))
  }

  /** Revokes the tokens of a code that the client presents again after the code's row was deleted. */
  async revokeLateReuse(client: AuthenticatedClient, grantId: string): Promise<void> {
    const own = { grant_id: grantId, client_id: client.registration.key }
    await this.#knex.transaction(async (trx) => {
      const families = await trx('refresh_tokens').where(own).pluck('subject')
      const tokens = await trx('access_tokens').where(own).limit(1).pluck('subject')
      const [subject] = [...families, ...tokens]
      if (subject) await revokeTokensOfReusedCode(trx, { client, grantId, subject })
    })
  }

  async #redeemOnce(request: CodeTokenRequest): Promise<IssuedTokens | undefined> {
    await this.#issuer.prepare(request)
    const result = await rollBackIfStale(this.#knex, (trx) => this.#redeemInTransaction(trx, request))
    // Thrown after the commit: an error inside the transaction would roll the revocation back.
    if (result === 'code_reused' || result === 'code_invalid') throw invalidGrant(result)
    return result
  }

  /** Undefined when the client is stale. */
  async #redeemInTransaction(
    trx: Knex,
    request: CodeTokenRequest,
  ): Promise<IssuedTokens | 'code_reused' | 'code_invalid' | undefined> {
    // Users before codes: the revocation of a user's tokens locks in that order.
    const user = await lockConsentShared(trx, requiredConsent(request))
    const claim = await request.claim(trx, request.client.registration)
    if (claim.found === 'reused') await revokeTokensOfReusedCode(trx, request)
    if (claim.found !== 'first') return claim.found === 'invalid' ? 'code_invalid' : 'code_reused'
    const issued = await this.#issueInTransaction(trx, { ...request, ...user })
    if (issued) await claim.complete()
    return issued
  }

  async #issueInTransaction(trx: Knex, request: CodeTokenRequest & TokenRequest): Promise<IssuedTokens | undefined> {
    const planned = await planInTransaction(trx, this.#issuer, request)
    if (!planned) return undefined
    if (!request.withRefreshToken) return await this.#issuer.sign(planned, planned.quota)
    const refreshToken = generateSecret('refreshToken')
    const refreshTokenExpiresIn = await insertFamily(trx, request.client, planned, refreshToken, request.family)
    return { ...(await this.#issuer.sign(planned, planned.quota)), refreshToken, refreshTokenExpiresIn }
  }
}
