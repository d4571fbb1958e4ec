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
      const trusts = await compare!(stored, token.trim(), principal.accountId === null)
      return { client, isMet: trusts.some(({ isMet }) => isMet), trusts }
    } catch (error) {
      throw error instanceof UntrustedIdentityError ? invalidInput(error.message, 'token') : error
    }
  },
)
