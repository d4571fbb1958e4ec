import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { Actor } from '../audit/audit-log.ts'
import { usesTrusts } from '../clients/authentication-attributes.ts'
import { type Client, clientEntry } from '../clients/clients.ts'
import { addTrusts } from '../clients/trust-rows.ts'
import { hashOfTrust, MAX_TRUSTS, parseTrust, type TrustInput, type WorkloadTrust } from '../clients/workload-trusts.ts'
import { invalidInput } from '../shared/errors.ts'
import { type AdditionOptions, addCredentials } from './credential-addition.ts'
import { mayChangeCheck } from './developer-limits.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

interface AddedTrust extends AdditionOptions {
  readonly trust: WorkloadTrust
}

/** Adds a trust to those of a client, as `addCredentials`. */
export const addTrust = (
  knex: Knex,
  clientId: string,
  { trust, ...options }: AddedTrust,
  actor: Actor,
): Promise<Client> =>
  addCredentials(
    knex,
    clientId,
    {
      kind: 'trust',
      plural: 'trusts',
      field: 'trustIssuer',
      hashes: [hashOfTrust(trust)],
      most: MAX_TRUSTS,
      checkClient: (client) => {
        if (!usesTrusts(client))
          throw invalidInput('only a client with workload_identity trusts an issuer', 'trustIssuer')
      },
      insert: (trx, { key }, set) => addTrusts(trx, key, [trust], { at: options.expiresAt, field: 'expiresAt' }, set),
      auditEntry: (client) => clientEntry('client.trust_added', client, { issuer: trust.issuer }),
    },
    options,
    actor,
  )

interface TrustAddition extends Pick<AdditionOptions, 'expiresAt'> {
  readonly clientId: string
  readonly trust: TrustInput
  readonly revision?: number | undefined
}

/** Adds a trust to an application. @throws KeywrightError `not_found`, `invalid_input`, `forbidden`, `stale` */
export const addApplicationTrust = operation<TrustAddition, Client>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId, trust, expiresAt, revision }) => {
    await applicationFor(knex, principal, clientId)
    const change = { trust: await parseTrust(trust), expiresAt, expected: revision, check: mayChangeCheck(principal) }
    return await addTrust(knex, clientId, change, principal.actor)
  },
)
