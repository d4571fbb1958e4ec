import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { findSecretOf } from '../clients/client-secrets.ts'
import { type Client, clientEntry, getClient, lockClient, touchClient } from '../clients/clients.ts'
import { retirePreviousSecrets } from '../clients/retired-secrets.ts'
import { planRetirement, type Retirement } from '../clients/unused-secrets.ts'
import { expectRevision, invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { IN_SETS } from '../shared/secret-lifetimes.ts'
import { checkUnusedHours } from './client-secret-rotation.ts'
import { readAffected } from './dry-run.ts'
import { applicationTarget, clientOfApiTarget, previousSecretsTarget } from './dry-run-targets.ts'
import { destructiveOperation, operation } from './operation.ts'
import { applicationFor, clientIdOfApi } from './tenant-isolation.ts'

interface PlannedRetirement extends Retirement {
  readonly clientId: string
  readonly secretId: number
  /** The revision of the client; undefined: any. */
  readonly revision?: number | undefined
}

/** Why no secret could be retired: there is none, it is the newest one or the only key, or it is retired. */
async function refusalFor(trx: Knex, client: Client, secretId: number | undefined): Promise<KeywrightError> {
  const found = secretId === undefined ? undefined : await findSecretOf(trx, client.key, secretId)
  if (found && !found.isRetired && IN_SETS.some((kind) => kind === found.kind)) {
    return new KeywrightError(
      'conflict',
      `the ${found.kind} that ends in ${found.lastFour} is the only one: replace it instead`,
    )
  }
  if (!found?.isRetired) return notFound('previous secret', String(secretId ?? client.clientId))
  return new KeywrightError('conflict', `the secret that ends in ${found.lastFour} is already retired`)
}

/**
 * Retires a previous secret before its overlap ends, or a public key beside others, and revokes the tokens that it obtained. The newest
 * secret and the only key stay.
 * @param secretId undefined: all previous secrets, keys and API keys
 * @throws KeywrightError `not_found`: the client has no such secret, or it is the newest one; `conflict`: it is retired, or the only key
 */
export async function retireSecret(
  knex: Knex,
  clientId: string,
  secretId: number | undefined,
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    const retired = await retirePreviousSecrets(trx, client.key, secretId)
    if (retired.length === 0) throw await refusalFor(trx, client, secretId)
    await touchClient(trx, client.key)
    const detail = { secrets: retired.map(({ kind, last_four }) => ({ kind, last_four })) }
    await recordAudit(trx, actor, clientEntry('client.secret_retired', client, detail))
    return await getClient(trx, clientId)
  })
}

const CHECK_END = `
  SELECT ?::timestamptz <= now() AS is_past,
         (SELECT s.retires_at < ?::timestamptz FROM client_secrets s WHERE s.id = ? AND s.client_id = ?) AS is_extended`

/** @throws KeywrightError `invalid_input` */
async function checkLatestAt(trx: Knex, client: Client, secretId: number, latestAt: Date | undefined): Promise<void> {
  if (latestAt === undefined) return
  const { rows } = await trx.raw(CHECK_END, [latestAt, latestAt, secretId, client.key])
  if (rows[0].is_past) throw invalidInput('the latest end must be in the future', 'latestAt')
  if (rows[0].is_extended) throw invalidInput('the end of a previous secret can only become earlier', 'latestAt')
}

/**
 * Sets whether a previous secret retires when it is unused. Its latest end can only become earlier: a secret that nodes have
 * seen retired must stay so.
 * @throws KeywrightError `not_found`, `conflict`, `stale`, `invalid_input`
 */
async function planSecretRetirement(
  knex: Knex,
  { clientId, secretId, unusedHours, latestAt, revision }: PlannedRetirement,
  actor: Actor,
): Promise<Client> {
  checkUnusedHours(unusedHours)
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    expectRevision('the client', client.revision, revision)
    await checkLatestAt(trx, client, secretId, latestAt)
    const planned = await planRetirement(trx, client.key, secretId, { unusedHours, latestAt })
    if (!planned) throw await refusalFor(trx, client, secretId)
    await touchClient(trx, client.key)
    const detail = { ...planned, unused_hours: unusedHours }
    await recordAudit(trx, actor, clientEntry('client.secret_retirement_planned', client, detail))
    return await getClient(trx, clientId)
  })
}

/**
 * Retires a previous secret before its overlap ends; the newest secret stays.
 * @throws KeywrightError `not_found`, `conflict`
 */
export const retireApplicationSecret = destructiveOperation<
  { clientId: string; secretId?: number | undefined },
  Client
>(PERMISSIONS.manageApplications, {
  async run({ knex }, principal, { clientId, secretId }) {
    await applicationFor(knex, principal, clientId)
    return await retireSecret(knex, clientId, secretId, principal.actor)
  },
  async affected({ knex }, principal, { clientId, secretId }) {
    await applicationFor(knex, principal, clientId)
    const target = previousSecretsTarget(applicationTarget(principal, clientId), secretId)
    return await readAffected(knex, principal, target)
  },
})

/** `retireApplicationSecret` for the client by which an API introspects. @throws KeywrightError `not_found`, `conflict` */
export const retireApiSecret = destructiveOperation<{ identifier: string; secretId: number }, Client>(
  PERMISSIONS.manageApis,
  {
    run: async ({ knex }, principal, { identifier, secretId }) =>
      await retireSecret(knex, await clientIdOfApi(knex, identifier), secretId, principal.actor),
    affected: ({ knex }, principal, { identifier, secretId }) =>
      readAffected(knex, principal, previousSecretsTarget(clientOfApiTarget(identifier), secretId)),
  },
)

export const planApplicationSecretRetirement = operation<PlannedRetirement, Client>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, retirement) => {
    await applicationFor(knex, principal, retirement.clientId)
    return await planSecretRetirement(knex, retirement, principal.actor)
  },
)

interface PlannedApiRetirement extends Omit<PlannedRetirement, 'clientId'> {
  readonly identifier: string
}

export const planApiSecretRetirement = operation<PlannedApiRetirement, Client>(
  PERMISSIONS.manageApis,
  async ({ knex }, principal, { identifier, ...retirement }) => {
    const clientId = await clientIdOfApi(knex, identifier)
    return await planSecretRetirement(knex, { ...retirement, clientId }, principal.actor)
  },
)
