import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registrations.ts'
import { lockConsentShared, type RequiredConsent } from '../consents/consents.ts'
import { KeywrightError } from '../shared/errors.ts'
import { generateSecret } from '../shared/secrets.ts'
import { insertInTransaction } from '../tokens/insert-in-transaction.ts'
import {
  type IssuedToken,
  type Issuer,
  retryOnStaleClient,
  selectApi,
  type TokenRequest,
  undefinedIfStale,
} from '../tokens/issuance.ts'
import { insertFamily, revokeGrant, type UserFamily } from './refresh-token-families.ts'

/**
 * What the claim to a one-time code found: its first use, another that overlaps it, one that came after, or a code that
 * died with what it rested on.
 */
export type Claim =
  /** `settle` notes when the use was over, as the last thing in its transaction: what arrived until then overlaps it. */
  { readonly found: 'first'; settle(): Promise<void> } | { readonly found: 'overlapping' | 'reused' | 'dead' }

/** A request in a person's name, by a code that may be used once. */
export interface CodeTokenRequest extends TokenRequest {
  /** Follows from the code, so that a later use of it finds what came of the first. */
  readonly grantId: string
  readonly identityScope: string
  readonly family: UserFamily
  readonly withRefreshToken: boolean
  /** Claims the code in the same transaction, for the client as it is then. */
  claim(trx: Knex, client: Registration): Promise<Claim>
}

type Reused = Pick<CodeTokenRequest, 'client' | 'grantId' | 'subject'>

export interface IssuedCodeTokens extends IssuedToken {
  readonly refreshToken?: string
  /** Seconds. */
  readonly refreshTokenExpiresIn?: number
}

export interface CodeTokens {
  /**
   * Redeems a code: claims it, records the access token and the refresh token, all or nothing. A code that is used a
   * second time ends what came of the first (RFC 6749, section 4.1.2), unless both came at the same moment, which is a
   * client's impatience.
   * @throws KeywrightError `invalid_grant`
   */
  redeem(request: CodeTokenRequest): Promise<IssuedCodeTokens>
  /** Ends what came of a code that this client shows again so late that nothing else is left of it. */
  revokeLateReuse(client: AuthenticatedClient, grantId: string): Promise<void>
}

const invalidGrant = () => new KeywrightError('invalid_grant', 'the code was already used, or is no longer good')

/** What the token rests on: the user must still allow every scope of it. */
const consentOf = ({ client, resource, subject, family, scope, identityScope }: CodeTokenRequest): RequiredConsent => ({
  userId: subject,
  consentId: family.consentId,
  api: selectApi(client.registration, resource).identifier,
  scope: `${identityScope} ${scope ?? ''}`,
})

export function createCodeTokens(knex: Knex, issuer: Issuer): CodeTokens {
  async function revokeReusedGrant(trx: Knex, { client, grantId, subject }: Reused): Promise<void> {
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

  async function record(trx: Knex, request: CodeTokenRequest): Promise<IssuedCodeTokens> {
    const planned = issuer.plan(request)
    await insertInTransaction(trx, planned)
    if (!request.withRefreshToken) return await issuer.sign(planned)
    const refreshToken = generateSecret('refreshToken')
    const seconds = await insertFamily(trx, request.client, planned, refreshToken, request.family)
    return { ...(await issuer.sign(planned)), refreshToken, refreshTokenExpiresIn: seconds }
  }

  async function redeemOnce(request: CodeTokenRequest): Promise<IssuedCodeTokens> {
    await issuer.follow(request)
    const outcome = await knex.transaction(async (trx) => {
      // People before codes, as whoever ends their tokens has it.
      await lockConsentShared(trx, consentOf(request))
      const claim = await request.claim(trx, request.client.registration)
      if (claim.found === 'reused') await revokeReusedGrant(trx, request)
      if (claim.found !== 'first') return undefined
      const issued = await record(trx, request)
      await claim.settle()
      return issued
    })
    // Thrown out here, because inside it would have taken the revocation back.
    if (!outcome) throw invalidGrant()
    return outcome
  }

  async function revokeLateReuse(client: AuthenticatedClient, grantId: string): Promise<void> {
    const own = { grant_id: grantId, client_id: client.registration.key }
    await knex.transaction(async (trx) => {
      const families = await trx('refresh_tokens').where(own).pluck('subject')
      const tokens = await trx('access_tokens').where(own).limit(1).pluck('subject')
      const [subject] = [...families, ...tokens]
      if (subject) await revokeReusedGrant(trx, { client, grantId, subject })
    })
  }

  return {
    revokeLateReuse,
    redeem: (request) =>
      retryOnStaleClient(request.client, (client) => undefinedIfStale(redeemOnce({ ...request, client }))),
  }
}
