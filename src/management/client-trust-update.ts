import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { currentSet, newestSecretId } from '../clients/client-secrets.ts'
import { type Client, clientEntry, getClient, lockClient, touchClient } from '../clients/clients.ts'
import { retireSecretNow } from '../clients/retired-secrets.ts'
import { expiryFor } from '../clients/secret-expiry.ts'
import {
  acceptsAllOf,
  changedTrust,
  changeStoredTrust,
  findCurrentTrust,
  type TrustChange,
} from '../clients/trust-changes.ts'
import { conditionTexts } from '../clients/trust-conditions.ts'
import { addTrusts } from '../clients/trust-rows.ts'
import { hashOfTrust, type WorkloadTrust } from '../clients/workload-trusts.ts'
import { expectRevision, invalidInput, notFound } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { mayChangeCheck } from './developer-limits.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

interface TrustUpdate {
  readonly clientId: string
  /** The ID of the trust. */
  readonly trustId: number
  readonly change: TrustChange
}

interface UpdateOptions {
  /** The revision of the client; undefined: any. */
  readonly expected?: number | undefined
  readonly check?: ClientCheck | undefined
}

interface UpdatedTrust {
  readonly client: Client
  /** Another one than before if tokens were revoked. */
  readonly trustId: number
  /** Whether the tokens that the trust had obtained are revoked. */
  readonly areTokensRevoked: boolean
}

/** The trust in place of the earlier one, which ends with its tokens. It expires at the same time, or earlier if a limit was introduced. */
async function replaceTrust(
  trx: Knex,
  client: Client,
  trustId: number,
  trust: WorkloadTrust,
  { expires_at: end, key_set }: { readonly expires_at: Date | null; readonly key_set: string },
): Promise<number> {
  const limit = await expiryFor(trx, client.key, { field: 'expiresAt' })
  await retireSecretNow(trx, trustId)
  const at = end && limit && limit < end ? limit : (end ?? limit)
  await addTrusts(trx, client.key, [trust], { at, field: 'expiresAt' }, key_set)
  return (await newestSecretId(trx, client.key))!
}

/**
 * Changes a trust. Unless it accepts every token that it accepted before, the earlier one ends at once, with the tokens that it obtained.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export async function updateTrust(
  knex: Knex,
  { clientId, trustId, change }: TrustUpdate,
  actor: Actor,
  { expected, check }: UpdateOptions = {},
): Promise<UpdatedTrust> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await check?.(client, trx)
    expectRevision('the client', client.revision, expected)
    const found = await findCurrentTrust(trx, client.key, trustId)
    if (!found) throw notFound('trust', String(trustId))
    const trust = await changedTrust(found.trust, change)
    const hash = hashOfTrust(trust)
    const current = await currentSet(trx, client.key, 'trust')
    if (current.some((one) => hash.equals(one.hash)))
      throw invalidInput('this trust, or another one of the client, says this already', 'trustConditions')
    const areTokensRevoked = !acceptsAllOf(trust, found.trust)
    await touchClient(trx, client.key)
    let id = trustId
    if (areTokensRevoked) id = await replaceTrust(trx, client, trustId, trust, found)
    else await changeStoredTrust(trx, trustId, trust)
    const detail = {
      issuer: trust.issuer,
      conditions: conditionTexts(trust.conditions),
      previous_conditions: conditionTexts(found.trust.conditions),
      tokens_revoked: areTokensRevoked,
    }
    await recordAudit(trx, actor, clientEntry('client.trust_changed', client, detail))
    return { client: await getClient(trx, clientId), trustId: id, areTokensRevoked }
  })
}

/** Changes a trust of an application. @throws KeywrightError `not_found`, `invalid_input`, `forbidden`, `stale` */
export const updateApplicationTrust = operation<TrustUpdate & { readonly revision?: number | undefined }, UpdatedTrust>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId, trustId, change, revision }) => {
    await applicationFor(knex, principal, clientId)
    const options = { expected: revision, check: mayChangeCheck(principal) }
    return await updateTrust(knex, { clientId, trustId, change }, principal.actor, options)
  },
)
