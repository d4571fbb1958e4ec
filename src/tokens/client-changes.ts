import type { Knex } from 'knex'
import { holdAccount } from '../accounts/accounts.ts'
import { holdInstance } from '../accounts/instance-settings.ts'
import { awaitPersonsTurn } from '../accounts/person-turns.ts'
import { findUser } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { type Api, defaultApi, findApis, insertApi, type NewApi } from '../clients/apis.ts'
import {
  checkDefaultScopes,
  checkKnownScopes,
  copyClientApis,
  narrowingOf,
  setClientApis,
} from '../clients/client-apis.ts'
import { addSecret, retireSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import {
  type Client,
  endTokensOfClients,
  findKeyPairOf,
  insertClient,
  lockClient,
  saveSettings,
  setClientStatus,
  touchClient,
} from '../clients/clients.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { countEnded } from './active-tokens.ts'

/** Shown once. */
export interface NewSecrets {
  /** Absent for a public client. */
  readonly clientSecret?: string
  /** Where the client must send one. */
  readonly apiKey?: string
}

const entry = (action: string, client: Client, detail: Record<string, unknown> = {}): AuditEntry => ({
  action,
  target: { type: 'client', id: client.clientId },
  accountId: client.accountId,
  detail,
})

async function addSecrets(trx: Knex, client: Client): Promise<NewSecrets> {
  if (client.isPublic) return {}
  const clientSecret = await addSecret(trx, client.key, 'secret')
  return client.apiKeyRequired
    ? { clientSecret, apiKey: await addSecret(trx, client.key, 'api_key') }
    : { clientSecret }
}

/** The APIs that are named, or the instance's default one when none is. */
async function chosenApis(trx: Knex, identifiers: readonly string[]): Promise<Api[]> {
  if (identifiers.length > 0) return await findApis(trx, identifiers)
  const api = await defaultApi(trx)
  return api ? [api] : []
}

/** Declares an API, with the credentials by which it introspects. @throws KeywrightError as `insertApi` */
export async function createApi(knex: Knex, api: NewApi, actor: Actor) {
  return await knex.transaction(async (trx) => {
    const created = await insertApi(trx, api)
    const owner = { kind: 'api' as const, accountId: null, userId: null, apiId: created.id }
    const settings = { ...DEFAULT_SETTINGS, name: created.identifier.slice(0, 200), grants: [] }
    const client = await insertClient(trx, owner, settings)
    await recordAudit(trx, actor, { action: 'api.created', target: { type: 'api', id: created.identifier } })
    return { api: created, client, ...(await addSecrets(trx, client)) }
  })
}

/** The APIs of a new pair: those that are named, within the earlier pair's narrowing; else the earlier pair's own. */
async function giveApis(
  trx: Knex,
  client: Client,
  earlier: Client | undefined,
  named: readonly string[],
): Promise<void> {
  if (earlier && named.length === 0) return await copyClientApis(trx, earlier.key, client.key)
  const narrowing = earlier ? await narrowingOf(trx, earlier.key) : null
  await setClientApis(trx, client.key, await chosenApis(trx, named), narrowing)
}

async function replaceKeyPair(trx: Knex, request: { user: string; apis: readonly string[] }, actor: Actor) {
  const user = await findUser(trx, request.user)
  if (user.role !== 'admin') throw invalidInput(`${user.email} is ${user.role}; key pairs belong to admins of accounts`)
  await holdInstance(trx)
  await holdAccount(trx, user.accountId!)
  // Two at once for one user take turns here, also for a first pair, when there is no row yet to wait for.
  await awaitPersonsTurn(trx, user.id)
  const held = await trx('users').where({ id: user.id }).forNoKeyUpdate().first('status')
  if (held?.status !== 'active') throw new KeywrightError('conflict', `the user ${user.email} is disabled`)
  const earlier = await findKeyPairOf(trx, user.id)
  if (earlier) await setClientStatus(trx, earlier, 'replaced')
  const owner = { kind: 'key_pair' as const, accountId: user.accountId!, userId: user.id, apiId: null }
  const first = {
    ...DEFAULT_SETTINGS,
    name: `Key pair of ${user.email}`.slice(0, 200),
    grants: ['client_credentials'],
  }
  const client = await insertClient(trx, owner, earlier ?? first)
  await giveApis(trx, client, earlier, request.apis)
  await checkDefaultScopes(trx, client)
  const replaced = earlier && { replaced: earlier.clientId }
  await recordAudit(trx, actor, entry('key_pair.generated', client, { user_id: user.id, ...replaced }))
  return { client, earlier, ...(await addSecrets(trx, client)) }
}

/**
 * A new key pair in place of the user's earlier one, which is dead with everything that came of it when this is answered
 * (promise 1). The new pair keeps the earlier one's settings, and its APIs unless others are named. `revoked` is how many
 * live tokens that ended; null when they were too many to be counted.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`
 */
export async function generateKeyPair(
  knex: Knex,
  request: { user: string; apis: readonly string[] },
  actor: Actor,
): Promise<NewSecrets & { client: Client; revoked: number | null }> {
  const { earlier, ...made } = await knex.transaction((trx) => replaceKeyPair(trx, request, actor))
  const ended = earlier ? [{ clientKey: earlier.key, epoch: earlier.epoch }] : []
  return { ...made, revoked: await countEnded(knex, ended) }
}

/** @throws KeywrightError `not_found`, `invalid_input` */
export async function createClient(
  knex: Knex,
  request: { accountId: string; settings: ClientSettings; apis: readonly string[]; scopes: readonly string[] | null },
  actor: Actor,
): Promise<NewSecrets & { client: Client }> {
  return await knex.transaction(async (trx) => {
    await holdInstance(trx)
    await holdAccount(trx, request.accountId)
    const owner = { kind: 'application' as const, accountId: request.accountId, userId: null, apiId: null }
    const client = await insertClient(trx, owner, request.settings)
    const apis = await chosenApis(trx, request.apis)
    checkKnownScopes(apis, request.scopes)
    await setClientApis(trx, client.key, apis, request.scopes)
    await checkDefaultScopes(trx, client)
    await recordAudit(trx, actor, entry('client.created', client))
    return { client, ...(await addSecrets(trx, client)) }
  })
}

/** Names of the settings that differ, with their new values. */
function changedSettings(before: Client, after: Client): Record<string, unknown> {
  const changed = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof Client]),
  )
  return Object.fromEntries(changed)
}

/** @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair) */
export async function updateClient(
  knex: Knex,
  clientId: string,
  change: { settings: Partial<ClientSettings>; apis?: readonly string[]; scopes?: readonly string[] | null },
  actor: Actor,
): Promise<{ client: Client; apiKey?: string }> {
  return await knex.transaction(async (trx) => {
    const before = await lockClient(trx, clientId)
    if (before.status === 'replaced')
      throw new KeywrightError('conflict', `${clientId} was replaced by a newer key pair`)
    if (before.kind === 'api') throw invalidInput(`${clientId} is an API's own client and has nothing to set`)
    const after = await saveSettings(trx, before, change.settings)
    if (change.apis || change.scopes !== undefined) await changeApis(trx, after, change)
    await checkDefaultScopes(trx, after)
    await recordAudit(trx, actor, entry('client.updated', after, changedSettings(before, after)))
    if (before.apiKeyRequired && !after.apiKeyRequired) {
      await retireSecrets(trx, after.key, 'api_key')
      // Tokens bound to that key would outlive it.
      await endTokensOfClients(trx, 'id', after.key)
    }
    if (before.apiKeyRequired || !after.apiKeyRequired) return { client: after }
    return { client: after, apiKey: await addSecret(trx, after.key, 'api_key') }
  })
}

async function changeApis(
  trx: Knex,
  client: Client,
  change: { apis?: readonly string[]; scopes?: readonly string[] | null },
): Promise<void> {
  const present: string[] = await trx('client_apis')
    .join('apis', 'apis.id', 'api_id')
    .where('client_id', client.key)
    .orderBy('position')
    .pluck('identifier')
  const apis = await findApis(trx, change.apis ?? present)
  checkKnownScopes(apis, change.scopes ?? null)
  const scopes = change.scopes === undefined ? await narrowingOf(trx, client.key) : change.scopes
  await setClientApis(trx, client.key, apis, scopes)
}

/** Archives a client, ending all that it holds at once, or lets it work again, which brings nothing back. */
export async function changeClientStatus(
  knex: Knex,
  clientId: string,
  status: 'active' | 'archived',
  actor: Actor,
): Promise<Client> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    if (client.status === status) return client
    const changed = await setClientStatus(trx, client, status)
    await recordAudit(trx, actor, entry(status === 'active' ? 'client.restored' : 'client.archived', changed))
    return changed
  })
}

/**
 * A new secret, and a new API key where the client needs one. The present ones work for `overlap` more seconds; when
 * they end, so does every token that they obtained; without an overlap, all that the client holds.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`
 */
export async function rotateSecret(
  knex: Knex,
  clientId: string,
  overlap: number,
  actor: Actor,
): Promise<NewSecrets & { client: Client }> {
  return await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    if (client.status === 'replaced')
      throw new KeywrightError('conflict', `${clientId} was replaced by a newer key pair`)
    if (client.isPublic) throw invalidInput('a public client has no secret')
    await retireSecrets(trx, client.key, 'secret', overlap)
    await retireSecrets(trx, client.key, 'api_key', overlap)
    // With none to overlap, the codes that wait to be redeemed end too: whoever has the old secret may have those.
    if (overlap === 0) await endTokensOfClients(trx, 'id', client.key)
    else await touchClient(trx, client.key)
    await recordAudit(trx, actor, entry('client.secret_rotated', client, { overlap }))
    return { client, ...(await addSecrets(trx, client)) }
  })
}
