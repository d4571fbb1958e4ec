import type { Knex } from 'knex'
import { holdAccountWithApi } from '../accounts/accounts.ts'
import { checkNotInstanceName } from '../accounts/instance-name.ts'
import { holdInstance } from '../accounts/instance-settings.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { type Api, defaultApi, holdApis } from '../clients/apis.ts'
import {
  checkDefaultScopes,
  checkKnownScopes,
  identifiersOf,
  narrowingOf,
  setClientApis,
} from '../clients/client-apis.ts'
import { addSecret, retireSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import {
  type Client,
  clientEntry,
  endTokensOfClients,
  getClient,
  insertClient,
  lockClient,
  saveSettings,
} from '../clients/clients.ts'
import { expectRevision, invalidInput, KeywrightError } from '../shared/errors.ts'
import { addSecrets, type NewSecrets } from './client-secrets.ts'

/** The APIs that are named, or the instance's default one when none is. */
export async function chosenApis(trx: Knex, identifiers: readonly string[]): Promise<Api[]> {
  if (identifiers.length > 0) return await holdApis(trx, identifiers)
  const api = await defaultApi(trx)
  return api ? await holdApis(trx, [api.identifier]) : []
}

export interface NewApplication {
  /** Null: the instance's own, which only operators make. */
  readonly accountId: string | null
  readonly settings: ClientSettings
  /** The default first; none: the instance's default API. */
  readonly apis: readonly string[]
  /** What it is narrowed to; null: all that its APIs have. */
  readonly scopes: readonly string[] | null
}

/** @throws KeywrightError `not_found` (the account), `invalid_input`, `conflict` (account or API are switched off) */
export async function createClient(
  knex: Knex,
  request: NewApplication,
  actor: Actor,
): Promise<NewSecrets & { client: Client }> {
  return await knex.transaction(async (trx) => {
    await holdInstance(trx)
    if (request.accountId !== null) {
      await holdAccountWithApi(trx, request.accountId)
      await checkNotInstanceName(trx, "an application's name", request.settings.name)
    }
    const owner = { kind: 'application' as const, accountId: request.accountId, userId: null, apiId: null }
    const client = await insertClient(trx, owner, request.settings)
    const apis = await chosenApis(trx, request.apis)
    checkKnownScopes(apis, request.scopes)
    await setClientApis(trx, client.key, apis, request.scopes)
    await checkDefaultScopes(trx, client)
    await recordAudit(trx, actor, clientEntry('client.created', client, { name: client.name }))
    return { client, ...(await addSecrets(trx, client)) }
  })
}

/** What is left out stays as it is. */
export interface ClientChange {
  readonly settings: Partial<ClientSettings>
  readonly apis?: readonly string[] | undefined
  readonly scopes?: readonly string[] | null | undefined
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

async function changeApis(trx: Knex, client: Client, change: ClientChange): Promise<void> {
  const apis = await holdApis(trx, change.apis ?? (await identifiersOf(trx, client.key)))
  checkKnownScopes(apis, change.scopes ?? null)
  const scopes = change.scopes === undefined ? await narrowingOf(trx, client.key) : change.scopes
  await setClientApis(trx, client.key, apis, scopes)
}

/** Fewer may use it than before: what it obtained as one that it is no longer would outlive that. */
const isNarrowed = (before: Client, after: Client): boolean =>
  after.accessType !== before.accessType && after.accessType !== 'both'

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

/** Ends what rests on what a client was, and gives what it needs as what it is. */
async function settle(trx: Knex, before: Client, after: Client): Promise<{ apiKey?: string }> {
  const losesApiKey = before.apiKeyRequired && !after.apiKeyRequired
  if (losesApiKey) await retireSecrets(trx, after.key, 'api_key')
  // Tokens bound to that key would outlive it.
  if (losesApiKey || isNarrowed(before, after)) await endTokensOfClients(trx, 'id', after.key)
  if (before.apiKeyRequired || !after.apiKeyRequired) return {}
  return { apiKey: await addSecret(trx, after.key, 'api_key') }
}

async function checkNewName(
  trx: Knex,
  { accountId, name: before }: Client,
  { name }: Partial<ClientSettings>,
): Promise<void> {
  if (accountId !== null && name !== before) await checkNotInstanceName(trx, "an application's name", name)
}

export interface UpdateRules {
  /** The revision that was seen; undefined: whatever it is. */
  readonly expected?: number | undefined
  /** Judges the change by the client as it is while nobody else can change it; throws to refuse. */
  readonly check?: (before: Client) => void
}

/**
 * Changes what is named of an application or a key pair. One that may act for fewer than before loses every token.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair), `stale`
 */
export async function updateClient(
  knex: Knex,
  clientId: string,
  change: ClientChange,
  actor: Actor,
  { expected, check }: UpdateRules = {},
): Promise<{ client: Client; apiKey?: string }> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, clientId, expected)
    check?.(before)
    await checkNewName(trx, before, change.settings)
    const after = await saveSettings(trx, before, change.settings)
    if (change.apis || change.scopes !== undefined) await changeApis(trx, after, change)
    // Held, or a scope that is meant here could be taken from its API at the same moment.
    else if (change.settings.defaultScopes) await holdApis(trx, await identifiersOf(trx, after.key))
    await checkDefaultScopes(trx, after)
    await recordAudit(trx, actor, clientEntry('client.updated', after, detailOf(before, after, change)))
    const made = await settle(trx, before, after)
    return { client: await getClient(trx, clientId), ...made }
  })
}
