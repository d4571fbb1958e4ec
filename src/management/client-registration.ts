import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { identifiersOf, scopeRestrictionOf, setClientApis } from '../clients/client-apis.ts'
import { CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import { startKeySet } from '../clients/client-key-sets.ts'
import { apiRightsOf, type Narrowing, narrowingBetween, type Rights } from '../clients/client-rights.ts'
import { addSecret } from '../clients/client-secrets.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
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
import { withFapi } from '../clients/fapi-rules.ts'
import { lockInstanceShared } from '../clients/instance-settings.ts'
import { retireSecrets } from '../clients/retired-secrets.ts'
import { changesBetween } from '../shared/attributes.ts'
import { expectRevision, invalidInput, KeywrightError } from '../shared/errors.ts'
import { type ClientChange, checkClientChange, checkNewClient } from './client-checks.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { addCredentials, type GivenCredentials, type NewSecrets } from './issued-credentials.ts'
import {
  NOTHING_REVOKED,
  narrowInTransaction,
  type RevokedByNarrowing,
  revokedDetail,
  revokeExceeding,
} from './narrowing.ts'

export interface NewApplication extends GivenCredentials {
  /** Null: an application of the instance, which only operators register. */
  readonly accountId: string | null
  readonly settings: ClientSettings
  /** Of a client that describes itself at this URL; absent: a new one is generated. */
  readonly clientId?: string | undefined
  /** Identifiers of APIs, the default first; empty: the instance's default API. */
  readonly apis: readonly string[]
  /** The scopes that it is limited to; null: all scopes of its APIs. */
  readonly scopes: readonly string[] | null
  /** The user who registers it. */
  readonly createdBy?: string | null
  /** When its client secret expires; null or absent: at the end of the longest allowed lifetime. */
  readonly secretExpiresAt?: Date | null | undefined
}

/** @throws KeywrightError `not_found` (the account), `invalid_input`, `conflict` (the account is disabled or an API is off) */
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
    const owner = {
      kind: 'application' as const,
      accountId,
      userId: null,
      apiId: null,
      createdBy,
      clientId: request.clientId,
    }
    const client = await insertClient(trx, owner, settings)
    await setClientApis(trx, client.key, access!.apis, access!.scopes)
    await recordAudit(trx, actor, clientEntry('client.created', client, { name: client.name }))
    return {
      client,
      ...(await addCredentials(trx, client, { at: request.secretExpiresAt, field: 'secretExpiresAt' }, request)),
    }
  })
}

/** What a client may request: its APIs, the default first, and the scopes that it is limited to (null: all). */
const accessOf = async (trx: Knex, { key }: Client) => ({
  apis: await identifiersOf(trx, key),
  scopes: await scopeRestrictionOf(trx, key),
})

type Access = Awaited<ReturnType<typeof accessOf>>

/** The changed APIs and scopes, with their values before and after. */
function accessChanges(before: Access, { apis = before.apis, scopes = before.scopes }: ClientChange) {
  return {
    ...(!isDeepStrictEqual(apis, before.apis) && { apis: { from: before.apis, to: apis } }),
    ...(!isDeepStrictEqual(scopes, before.scopes) && { scopes: { from: before.scopes, to: scopes } }),
  }
}

/** @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair), `stale` */
async function lockForChange(trx: Knex, clientId: string, expected: number | undefined): Promise<Client> {
  const client = await lockClient(trx, clientId)
  if (client.kind === 'api') throw invalidInput(`${clientId} is the client of an API and has no settings`)
  if (client.status === 'replaced') {
    throw new KeywrightError('conflict', `${clientId} was replaced by a newer key pair`)
  }
  expectRevision('the client', client.revision, expected)
  return client
}

/**
 * Generates an API key if the client needs one from now on. If it no longer needs one, retires the key and revokes all
 * tokens, which are bound to that key.
 */
async function changeApiKey(trx: Knex, before: Client, after: Client): Promise<{ apiKey?: string }> {
  if (before.apiKeyRequired && !after.apiKeyRequired) {
    await retireSecrets(trx, after.key, 'api_key')
    await raiseRevocationEpochs(trx, 'id', after.key)
  }
  if (before.apiKeyRequired || !after.apiKeyRequired) return {}
  return { apiKey: await addSecret(trx, after, 'api_key') }
}

/**
 * Another URL of the public keys ends the present keys at once, with all tokens, as a rotation without an overlap does.
 * @throws KeywrightError `invalid_input`
 */
async function changeKeys(trx: Knex, before: Client, { key, jwksUri }: Client): Promise<void> {
  if (jwksUri === before.jwksUri) return
  if (jwksUri === null) throw invalidInput('replace the URL by public keys: rotate the keys', 'jwksUri')
  await retireSecrets(trx, key, 'key')
  await raiseRevocationEpochs(trx, 'id', key)
  await startKeySet(trx, key, jwksUri)
}

export interface UpdateRules {
  /** The revision that the caller read; undefined: any revision. */
  readonly expected?: number | undefined
  readonly check?: ClientCheck | undefined
  /** The changes with what follows from them. */
  readonly complete?: (before: Client, settings: Partial<ClientSettings>) => Partial<ClientSettings>
  /** What else changes in the same transaction, after the settings. */
  readonly afterwards?: ((updated: Client, trx: Knex, before: Client) => Promise<void>) | undefined
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

/** The rights that a change removes from a client; undefined if none. */
export async function narrowingOfChange(
  db: Knex,
  client: Client,
  { settings, ...access }: ClientChange,
): Promise<Narrowing | undefined> {
  return narrowingBetween(await rightsOf(db, client), await rightsOf(db, client, settings, access))
}

/** Revokes tokens beyond the remaining rights before the client is locked, so that the lock is held for a short time. */
async function revokeBeforeLock(trx: Knex, clientId: string, change: ClientChange): Promise<RevokedByNarrowing> {
  const client = await getClient(trx, clientId)
  const narrowing = await narrowingOfChange(trx, client, change)
  return narrowing ? await revokeExceeding(trx, { client: client.key }, narrowing, 'wait') : NOTHING_REVOKED
}

/** Revokes what was issued since, and the authorization codes, while the client is locked. */
async function revokeUnderLock(trx: Knex, before: Rights, after: Client): Promise<RevokedByNarrowing> {
  const narrowing = narrowingBetween(before, await rightsOf(trx, after))
  if (!narrowing) return NOTHING_REVOKED
  await raiseCodeRevocationEpoch(trx, after.key)
  return await revokeExceeding(trx, { client: after.key }, narrowing, 'nowait')
}

/**
 * Changes the given settings of an application or a key pair. Access tokens, refresh tokens, authorization codes and
 * consents beyond the new rights are revoked in the same transaction; tokens within the rights stay active.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict` (a replaced key pair), `stale`
 */
export async function updateClient(
  knex: Knex,
  clientId: string,
  given: ClientChange,
  actor: Actor,
  { expected, check, complete = (_, settings) => settings, afterwards }: UpdateRules = {},
): Promise<{ client: Client; apiKey?: string }> {
  return await narrowInTransaction(knex, async (trx) => {
    const revokedBefore = await revokeBeforeLock(trx, clientId, given)
    const before = await lockForChange(trx, clientId, expected)
    await check?.(before, trx)
    const change = { ...given, settings: withFapi(before, given.settings) }
    const access = await checkClientChange(trx, before, change)
    const rights = await rightsOf(trx, before)
    const earlier = access && (await accessOf(trx, before))
    const after = await saveSettings(trx, before, complete(before, change.settings))
    if (access) await setClientApis(trx, after.key, access.apis, access.scopes)
    const revoked = revokedDetail(revokedBefore, await revokeUnderLock(trx, rights, after))
    const changes = {
      ...changesBetween(CLIENT_ATTRIBUTES, before, after),
      ...(earlier && accessChanges(earlier, change)),
    }
    await recordAudit(trx, actor, clientEntry('client.updated', after, { changes, ...revoked }))
    const newApiKey = await changeApiKey(trx, before, after)
    await changeKeys(trx, before, after)
    await afterwards?.(after, trx, before)
    return { client: await getClient(trx, clientId), ...newApiKey }
  })
}
