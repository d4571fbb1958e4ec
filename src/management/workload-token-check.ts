import { PERMISSIONS } from '../accounts/permissions.ts'
import { usesTrusts } from '../clients/authentication-attributes.ts'
import { type Client, getClient } from '../clients/clients.ts'
import { UntrustedIdentityError } from '../clients/workload-authentication.ts'
import type { StoredTrust, TrustComparison } from '../clients/workload-token-checks.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { USABLE_SECRET } from './client-parts.ts'
import { operation } from './operation.ts'
import { isCommandLine } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

/** How the token of a workload compares to the trusts of a client. */
export interface WorkloadTokenCheck {
  readonly client: Client
  /** Whether one of the trusts is met. */
  readonly isMet: boolean
  /** Newest first. */
  readonly trusts: readonly TrustComparison[]
}

/** All that admins of accounts read when the keys of an issuer could not be read. */
export const UNREADABLE_KEYS = 'the keys of the issuer could not be read'

/** Admins of accounts name any issuer. What its address answers is for operators, because it may be within their network. */
const withoutAnswer = (comparison: TrustComparison): TrustComparison =>
  comparison.reason === 'issuer_unavailable' ? { ...comparison, failure: UNREADABLE_KEYS } : comparison

/**
 * Compares the token of a workload to the trusts of a client, and issues nothing. It is neither stored nor returned, and an
 * earlier use of it is not looked up.
 * @throws KeywrightError `not_found`; `conflict` (the client has no trusts); `invalid_input` (the token is no JWT)
 */
export const checkWorkloadToken = operation<{ clientId: string; token: string }, WorkloadTokenCheck>(
  PERMISSIONS.viewApplications,
  async ({ knex, checkWorkloadToken: compare }, principal, { clientId, token }) => {
    const client = await getClient(knex, clientId)
    if (client.kind !== 'application' && !isCommandLine(principal)) throw notFound('client', clientId)
    checkTenant(principal, client.accountId, 'client', clientId)
    if (!usesTrusts(client))
      throw new KeywrightError('conflict', 'this application does not authenticate by workload identity')
    const stored: StoredTrust[] = await knex('client_secrets as s')
      .where({ client_id: client.key, kind: 'trust' })
      .whereRaw(USABLE_SECRET)
      .orderBy('s.id', 'desc')
      .select(knex.raw('s.id::float8 AS id'), 's.trust')
    try {
      const compared = await compare!(stored, token.trim())
      const trusts = principal.accountId === null ? compared : compared.map(withoutAnswer)
      return { client, isMet: trusts.some(({ isMet }) => isMet), trusts }
    } catch (error) {
      throw error instanceof UntrustedIdentityError ? invalidInput(error.message, 'token') : error
    }
  },
)
