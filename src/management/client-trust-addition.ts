import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { usesTrusts } from '../clients/authentication-attributes.ts'
import { currentSet } from '../clients/client-secrets.ts'
import { type Client, clientEntry, getClient, lockClient, touchClient } from '../clients/clients.ts'
import { addTrusts } from '../clients/trust-rows.ts'
import { hashOfTrust, MAX_TRUSTS, parseTrust, type TrustInput, type WorkloadTrust } from '../clients/workload-trusts.ts'
import { expectRevision, invalidInput } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { mayChangeCheck } from './developer-limits.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

interface AddedTrust {
  readonly trust: WorkloadTrust
  /** When it expires; null or undefined: at the end of the longest allowed lifetime. */
  readonly expiresAt?: Date | null | undefined
  /** The revision of the client; undefined: any. */
  readonly expected?: number | undefined
  readonly check?: ClientCheck | undefined
}

/**
 * Adds a trust to those of a client. The others stay, with their tokens.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export async function addTrust(
  knex: Knex,
  clientId: string,
  { trust, expiresAt, expected, check }: AddedTrust,
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await check?.(client, trx)
    expectRevision('the client', client.revision, expected)
    if (!usesTrusts(client)) throw invalidInput('only a client with workload_identity trusts an issuer', 'trustIssuer')
    const current = await currentSet(trx, client.key, 'trust')
    const hash = hashOfTrust(trust)
    if (current.some((one) => one.hash.equals(hash)))
      throw invalidInput('the client has this trust already', 'trustIssuer')
    if (current.length >= MAX_TRUSTS) throw invalidInput(`a client has at most ${MAX_TRUSTS} trusts`, 'trustIssuer')
    await touchClient(trx, client.key)
    await addTrusts(trx, client.key, [trust], { at: expiresAt, field: 'expiresAt' }, current[0]?.key_set)
    await recordAudit(trx, actor, clientEntry('client.trust_added', client, { issuer: trust.issuer }))
    return await getClient(trx, clientId)
  })
}

interface TrustAddition extends Pick<AddedTrust, 'expiresAt'> {
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
