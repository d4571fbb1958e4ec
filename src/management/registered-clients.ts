import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { listClientApis } from '../clients/client-apis.ts'
import { markClientDeleting } from '../clients/client-deletions.ts'
import { type PublicKey, parsePublicKeys } from '../clients/client-keys.ts'
import { lockClientsExclusive } from '../clients/client-locks.ts'
import { type ClientMetadata, requirementsAfter } from '../clients/client-metadata.ts'
import { withVerification } from '../clients/client-rules.ts'
import { currentSet, isSecretOf } from '../clients/client-secrets.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, lockClient } from '../clients/clients.ts'
import {
  authenticateRegisteredClient,
  type DynamicRegistration,
  findDueRegistrations,
  isUnused,
  keepRegistration,
  requireNewConsents,
  updateDynamicRegistration,
} from '../clients/dynamic-registrations.ts'
import { invalidInput, stale } from '../shared/errors.ts'
import { deletedClientEntry } from './client-deletion.ts'
import { updateClient } from './client-registration.ts'
import { rotateSecret } from './client-secret-rotation.ts'
import { describeClient, type Origin, REGISTRATION_ACTOR, type RegisteredClient } from './dynamic-registration.ts'
import {
  checkCalledUrls,
  checkGrants,
  InvalidRegistrationTokenError,
  limitStrangers,
} from './permitted-registrations.ts'

/** The client of a request to its client configuration endpoint (RFC 7592, section 2). */
interface Configured {
  readonly clientId: string
  readonly registrationAccessToken: string
}

/** @throws InvalidRegistrationTokenError */
async function authenticated(knex: Knex, { clientId, registrationAccessToken }: Configured) {
  const found = await authenticateRegisteredClient(knex, clientId, registrationAccessToken)
  if (!found) throw new InvalidRegistrationTokenError('the registration access token is missing or not valid')
  return found
}

/** RFC 7592, section 2.1. @throws InvalidRegistrationTokenError */
export async function readRegisteredClient(knex: Knex, configured: Configured): Promise<RegisteredClient> {
  const { client, registration } = await authenticated(knex, configured)
  return await describeClient(knex, client, registration)
}

/** Whether an update names no client secret, or one that works (RFC 7592, section 2.2). */
export async function hasSecret(knex: Knex, { key }: Client, given: unknown): Promise<boolean> {
  if (given === undefined) return true
  return typeof given === 'string' && (await isSecretOf(knex, key, given))
}

/** @throws KeywrightError `invalid_input` */
function checkUpdate(client: Client, registration: DynamicRegistration, metadata: ClientMetadata) {
  const { settings, authMethod } = metadata
  if (authMethod !== registration.authMethod)
    throw invalidInput(`the client registered ${registration.authMethod}, which cannot be changed`, 'authMethod')
  checkGrants(settings.grants, client.grants)
  checkCalledUrls(metadata, registration.source, client)
}

/** The settings that an update changes. Keys instead of their URL are stored by a rotation. */
function changedSettings(client: Client, { settings, jwks }: ClientMetadata): Partial<ClientSettings> {
  const { jwksUri, ...rest } = { ...settings, ...requirementsAfter(client, settings) }
  return jwks === undefined ? { ...rest, jwksUri } : rest
}

/** Replaces the keys of a client, or their URL, if the metadata has others; tokens of the former keys are revoked. */
async function replaceKeys(trx: Knex, client: Client, keys: readonly PublicKey[], actor: Actor): Promise<void> {
  const present = (await currentSet(trx, client.key, 'key')).map(({ hash }) => hash.toString('hex'))
  const given = keys.map(({ thumbprint }) => thumbprint.toString('hex'))
  if (client.jwksUri !== null || !isDeepStrictEqual(present.toSorted(), given.toSorted()))
    await rotateSecret(trx, client.clientId, 0, actor, { keys })
}

/** The scopes that the client keeps; undefined: all that it has. @throws KeywrightError `invalid_input` */
async function remainingScopes(knex: Knex, { key }: Client, requested: readonly string[] | undefined) {
  if (!requested) return undefined
  const present = (await listClientApis(knex, key)).flatMap(({ scopes }) => scopes)
  const wanted = requested.filter((scope) => present.includes(scope))
  if (wanted.length === 0) throw invalidInput('the client may have none of the requested scopes', 'scope')
  return present.every((scope) => wanted.includes(scope)) ? undefined : wanted
}

/**
 * Replaces the metadata of a client (RFC 7592, section 2.2). Grant types and scopes can only become fewer. The registration access token
 * stays: a client that lost the response to a change would lose its registration with it.
 * @throws InvalidRegistrationTokenError; RateLimitedError; KeywrightError `invalid_input`, `stale` (its scopes changed meanwhile)
 */
export async function updateRegisteredClient(
  knex: Knex,
  configured: Configured,
  metadata: ClientMetadata,
  origin: Origin,
): Promise<RegisteredClient> {
  const { client, registration } = await authenticated(knex, configured)
  checkUpdate(client, registration, metadata)
  if (registration.source !== 'initial_access_token')
    await limitStrangers(knex, origin.ip, registration.softwareStatementIssuer)
  const keys = metadata.jwks === undefined ? undefined : await parsePublicKeys(metadata.jwks)
  const actor = { type: 'client', id: client.clientId, ...origin } as const
  const scopes = await remainingScopes(knex, client, metadata.scopes)
  const check = async (locked: Client, trx: Knex) => {
    checkUpdate(locked, (await authenticated(trx, configured)).registration, metadata)
    // An admin may have taken scopes since they were compared.
    if (!isDeepStrictEqual(await remainingScopes(trx, locked, metadata.scopes), scopes)) throw stale('the client')
  }
  const complete = (before: Client, changes: Partial<ClientSettings>) =>
    withVerification('admin', before, { ...changes, ...requirementsAfter(before, metadata.settings) })
  const change = { settings: changedSettings(client, metadata), ...(scopes && { scopes }) }
  const afterwards = async (updated: Client, trx: Knex, before: Client) => {
    if (keys) await replaceKeys(trx, updated, keys, actor)
    await updateDynamicRegistration(trx, client.key, metadata)
    await requireNewConsents(trx, before, updated)
  }
  await updateClient(knex, client.clientId, change, actor, { check, complete, afterwards })
  return await readRegisteredClient(knex, configured)
}

async function deleteLocked(trx: Knex, client: Client, actor: Actor): Promise<void> {
  await markClientDeleting(trx, client.key)
  await recordAudit(trx, actor, deletedClientEntry(client))
}

/** Deletes a client, whose tokens are revoked at once (RFC 7592, section 2.3). @throws InvalidRegistrationTokenError */
export async function deleteRegisteredClient(knex: Knex, configured: Configured, origin: Origin): Promise<void> {
  await knex.transaction(async (trx) => {
    await authenticated(trx, configured)
    const client = await lockClient(trx, configured.clientId)
    // An admin may have archived it before it was locked.
    await authenticated(trx, configured)
    await deleteLocked(trx, client, { type: 'client', id: client.clientId, ...origin })
  })
}

/** Deletes clients that registered themselves and were not used for 30 days. Returns how many of at most `limit` it looked at. */
export async function deleteUnusedRegistrations(knex: Knex, limit: number): Promise<number> {
  const due = await findDueRegistrations(knex, limit)
  for (const { clientKey, clientId } of due) {
    await knex.transaction(async (trx) => {
      await lockClientsExclusive(trx, 'id', clientKey)
      if (await isUnused(trx, clientKey)) await deleteLocked(trx, await lockClient(trx, clientId), REGISTRATION_ACTOR)
      await keepRegistration(trx, clientKey)
    })
  }
  return due.length
}
