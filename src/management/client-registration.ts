import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { lockInstanceShared } from '../accounts/instance-settings.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { setClientApis } from '../clients/client-apis.ts'
import { apiRightsOf, type Narrowing, narrowingBetween, type Rights } from '../clients/client-rights.ts'
import { addSecret, retireSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import {
  type Client,
  clientEntry,
  getClient,
  insertClient,
  lockClient,
  raiseCodeRevocationEpoch,
  raiseRevocationEpochs,
  saveSettings,
} from '../clients/clients.ts'
import { expectRevision, invalidInput, KeywrightError } from '../shared/errors.ts'
import { type ClientChange, checkClientChange, checkNewClient } from './client-checks.ts'
import { addSecrets, type NewSecrets } from './client-secret-rotation.ts'
import {
  NOTHING_REVOKED,
  narrowInTransaction,
  type RevokedByNarrowing,
  revokedDetail,
  revokeExceeding,
} from './narrowing.ts'

export interface NewApplication {
  /** Null: the instance's own, which only operators make. */
  readonly accountId: string | null
  readonly settings: ClientSettings
  /** The default first; none: the instance's default API. */
  readonly apis: readonly string[]
  /** What it is narrowed to; null: all that its APIs have. */
  readonly scopes: readonly string[] | null
  /** The user who adds it. */
  readonly createdBy?: string | null
}

/** @throws KeywrightError `not_found` (the account), `invalid_input`, `conflict` (account or API are switched off) */
export async function createClient(
  knex: Knex,
  request: NewApplication,
  actor: Actor,
): Promise<NewSecrets & { client: Client }> {
  return await knex.transaction(async (trx) => {
    await lockInstanceShared(trx)
    const { accountId, createdBy = null, settings } = request
    if (accountId !== null) await lockAccountWithApiShared(trx, accountId)
    const access = await checkNewClient(trx, request)
    const owner = { kind: 'application' as const, accountId, userId: null, apiId: null, createdBy }
    const client = await insertClient(trx, owner, settings)
    await setClientApis(trx, client.key, access!.apis, access!.scopes)
    await recordAudit(trx, actor, clientEntry('client.created', client, { name: client.name }))
    return { client, ...(await addSecrets(trx, client)) }
  })
}

const SETTINGS = ['name', 'grants', ...Object.keys(DEFAULT_SETTINGS)] as (keyof ClientSettings)[]

/** What the change changes, with its new values. */
function detailOf(before: Client, after: Client, { apis, scopes }: ClientChange): Record<string, unknown> {
  const changed = SETTINGS.filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]))
  return {
    ...Object.fromEntries(changed.map((name) => [name, after[name]])),
    ...(apis && { apis }),
    ...(scopes !== undefined && { scopes }),
  }
}

/** @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair), `stale` */
async function lockForChange(trx: Knex, clientId: string, expected: number | undefined): Promise<Client> {
  const client = await lockClient(trx, clientId)
  if (client.kind === 'api') throw invalidInput(`${clientId} is an API's own client and has nothing to set`)
  if (client.status === 'replaced') {
    throw new KeywrightError('conflict', `${clientId} was replaced by a newer key pair`)
  }
  expectRevision('the client', client.revision, expected)
  return client
}

/**
 * Ends what was obtained with the API key where the client needs none any more; makes one where it needs one now. Tokens
 * are bound to that key, and would outlive it.
 */
async function changeApiKey(trx: Knex, before: Client, after: Client): Promise<{ apiKey?: string }> {
  if (before.apiKeyRequired && !after.apiKeyRequired) {
    await retireSecrets(trx, after.key, 'api_key')
    await raiseRevocationEpochs(trx, 'id', after.key)
  }
  if (before.apiKeyRequired || !after.apiKeyRequired) return {}
  return { apiKey: await addSecret(trx, after.key, 'api_key') }
}

export interface UpdateRules {
  /** The revision that was seen; undefined: whatever it is. */
  readonly expected?: number | undefined
  /** Judges the change by the client as it is while nobody else can change it; throws to refuse. */
  readonly check?: (before: Client) => void
}

const rightsOf = async (
  db: Knex,
  client: Client,
  settings: Partial<ClientSettings> = {},
  access = {},
): Promise<Rights> => ({
  accountId: client.accountId,
  settings: { ...client, ...settings },
  apis: await apiRightsOf(db, client.key, access),
})

/** What a change would take away from a client; undefined: nothing. */
export async function narrowingOfChange(
  db: Knex,
  client: Client,
  { settings, ...access }: ClientChange,
): Promise<Narrowing | undefined> {
  return narrowingBetween(await rightsOf(db, client), await rightsOf(db, client, settings, access))
}

/** Revokes what exceeds the rights that the client keeps, before its lock is taken and it can make others wait. */
async function revokeBeforehand(trx: Knex, clientId: string, change: ClientChange): Promise<RevokedByNarrowing> {
  const client = await getClient(trx, clientId)
  const narrowing = await narrowingOfChange(trx, client, change)
  return narrowing ? await revokeExceeding(trx, { client: client.key }, narrowing, 'wait') : NOTHING_REVOKED
}

/** Revokes the rest under the client's lock, and its codes. */
async function revokeRest(trx: Knex, before: Rights, after: Client): Promise<RevokedByNarrowing> {
  const narrowing = narrowingBetween(before, await rightsOf(trx, after))
  if (!narrowing) return NOTHING_REVOKED
  await raiseCodeRevocationEpoch(trx, after.key)
  return await revokeExceeding(trx, { client: after.key }, narrowing, 'nowait')
}

/**
 * Changes what is named of an application or a key pair. What its tokens, refresh tokens, codes and consents have beyond
 * the new rights is revoked in the same transaction; tokens within them stay active.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair), `stale`
 */
export async function updateClient(
  knex: Knex,
  clientId: string,
  change: ClientChange,
  actor: Actor,
  { expected, check }: UpdateRules = {},
): Promise<{ client: Client; apiKey?: string }> {
  return await narrowInTransaction(knex, async (trx) => {
    const early = await revokeBeforehand(trx, clientId, change)
    const before = await lockForChange(trx, clientId, expected)
    check?.(before)
    const access = await checkClientChange(trx, before, change)
    const rights = await rightsOf(trx, before)
    const after = await saveSettings(trx, before, change.settings)
    if (access) await setClientApis(trx, after.key, access.apis, access.scopes)
    const revoked = revokedDetail(early, await revokeRest(trx, rights, after))
    const detail = { ...detailOf(before, after, change), ...revoked }
    await recordAudit(trx, actor, clientEntry('client.updated', after, detail))
    const made = await changeApiKey(trx, before, after)
    return { client: await getClient(trx, clientId), ...made }
  })
}
