import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { listClientApis, resolveApis } from '../clients/client-apis.ts'
import { markClientDeleting } from '../clients/client-deletions.ts'
import { parsePublicKeys } from '../clients/client-keys.ts'
import { lockClientsExclusive } from '../clients/client-locks.ts'
import type { ClientMetadata } from '../clients/client-metadata.ts'
import { withVerification } from '../clients/client-rules.ts'
import { currentSet, isSecretOf, listSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import { type Client, lockClient } from '../clients/clients.ts'
import {
  authenticateRegisteredClient,
  type DynamicRegistration,
  findDueRegistrations,
  insertDynamicRegistration,
  isUnused,
  keepRegistration,
  updateDynamicRegistration,
} from '../clients/dynamic-registrations.ts'
import { AUTHORIZATION_CODE_GRANT, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import {
  findInitialAccessToken,
  type InitialAccessToken,
  useInitialAccessToken,
} from '../clients/initial-access-tokens.ts'
import { applicationDefaults } from '../clients/instance-attributes.ts'
import { dynamicRegistrationOf, getInstanceSettings, lockInstanceShared } from '../clients/instance-settings.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { deletedClientEntry } from './client-deletion.ts'
import { createClient, updateClient } from './client-registration.ts'
import { rotateSecret } from './client-secret-rotation.ts'

/** Where a request comes from, for the activity log. */
type Origin = Pick<Actor, 'ip' | 'requestId'>

const ACTOR = { type: 'system', id: 'dynamic_registration' } as const

/** A client as the registration endpoint returns it. */
export interface RegisteredClient {
  readonly client: Client
  readonly registration: DynamicRegistration
  /** The scopes of its APIs. */
  readonly scopes: readonly string[]
  /** Null: it does not expire, or there is none. */
  readonly secretExpiresAt: Date | null
}

/** With what only the response to the registration shows. */
export interface NewlyRegisteredClient extends RegisteredClient {
  readonly clientSecret: string | undefined
  readonly registrationAccessToken: string
}

/** The token of a request is unknown, expired, revoked or used up, or is for another client (RFC 6750, section 3.1). */
export class InvalidRegistrationTokenError extends KeywrightError {
  constructor(message: string) {
    super('forbidden', message)
  }
}

/** Whether clients may register themselves. */
export const acceptsRegistrations = async (knex: Knex): Promise<boolean> =>
  (await dynamicRegistrationOf(knex)) !== 'off'

async function describeClient(db: Knex, client: Client, registration: DynamicRegistration): Promise<RegisteredClient> {
  const apis = await listClientApis(db, client.key)
  const [secret] = (await listSecrets(db, client.key)).filter(({ kind }) => kind === 'secret')
  const scopes = [...new Set(apis.flatMap((api) => api.scopes))]
  return { client, registration, scopes, secretExpiresAt: secret?.retiresAt ?? null }
}

/** @throws KeywrightError `invalid_input` */
function checkGrants(grants: readonly string[], permitted: readonly string[]): void {
  const [other] = grants.filter((grant) => !permitted.includes(grant))
  if (other === undefined) return
  throw invalidInput(`the client may not register the grant type ${other.slice(0, 100)}`, 'grants')
}

/** The grant types whose tokens have no scope that a user has not allowed. */
const ALLOWED_BY_USERS: readonly string[] = [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT, DEVICE_CODE_GRANT]

/**
 * The APIs and scopes of a new client. Of the requested scopes those that are permitted, or else all that are (RFC 7591, section 2).
 * A client that has nothing without its users gets all permitted scopes of the requested APIs: MCP clients register with the scope of
 * their first request, and ask the user for more when they need it.
 */
async function permittedAccess(
  trx: Knex,
  { scopes: requested, settings }: ClientMetadata,
  permitted: InitialAccessToken,
) {
  const apis = await resolveApis(trx, permitted.apis)
  const wanted = requested?.filter(
    (scope) => (permitted.scopes?.includes(scope) ?? true) && apis.some((api) => api.scopes.includes(scope)),
  )
  if (!requested) return { apis: permitted.apis, scopes: permitted.scopes }
  if (wanted!.length === 0) throw invalidInput('the client may have none of the requested scopes', 'scope')
  const used = apis.filter((api) => api.scopes.some((scope) => wanted!.includes(scope)))
  const isForUsers = settings.grants.every((grant) => ALLOWED_BY_USERS.includes(grant))
  const ofUsed = permitted.scopes?.filter((scope) => used.some((api) => api.scopes.includes(scope))) ?? null
  return { apis: used.map(({ identifier }) => identifier), scopes: isForUsers ? ofUsed : wanted! }
}

async function settingsOf(trx: Knex, { settings }: ClientMetadata): Promise<ClientSettings> {
  const defaults = applicationDefaults(await getInstanceSettings(trx))
  // Nobody but its users has looked at the client.
  return { ...DEFAULT_SETTINGS, ...defaults, consent: 'show', ...settings }
}

const unusable = () =>
  new InvalidRegistrationTokenError('the initial access token is missing, unknown, expired, revoked or used up')

/** The locks in the order of a registration in the console. @throws InvalidRegistrationTokenError, KeywrightError `conflict` */
async function takeToken(trx: Knex, secret: string): Promise<InitialAccessToken> {
  const token = await findInitialAccessToken(trx, secret)
  if (!token) throw unusable()
  await lockInstanceShared(trx)
  await lockAccountWithApiShared(trx, token.accountId)
  if (!(await useInitialAccessToken(trx, token.id))) throw unusable()
  return token
}

/**
 * Registers a client with an initial access token (RFC 7591, section 3). Of concurrent requests, no more succeed than the token allows.
 * @throws InvalidRegistrationTokenError; KeywrightError `invalid_input` (the metadata), `conflict` (the account or the API is disabled)
 */
export async function registerClient(
  knex: Knex,
  secret: string,
  metadata: ClientMetadata,
  origin: Origin,
): Promise<NewlyRegisteredClient> {
  const keys = metadata.jwks === undefined ? undefined : await parsePublicKeys(metadata.jwks)
  return await knex.transaction(async (trx) => {
    const token = await takeToken(trx, secret)
    checkGrants(metadata.settings.grants, token.grants)
    const access = await permittedAccess(trx, metadata, token)
    const request = { accountId: token.accountId, settings: await settingsOf(trx, metadata), ...access, keys }
    const actor = { ...ACTOR, through: token.id, ...origin }
    const { client, clientSecret } = await createClient(trx, request, actor)
    const source = 'initial_access_token'
    const registrationAccessToken = await insertDynamicRegistration(trx, client.key, source, metadata)
    const { authMethod, softwareId, softwareVersion } = metadata
    const registration = { source, authMethod, softwareId, softwareVersion } as const
    return { ...(await describeClient(trx, client, registration)), clientSecret, registrationAccessToken }
  })
}

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
function checkUpdate(client: Client, registration: DynamicRegistration, { settings, authMethod }: ClientMetadata) {
  if (authMethod !== registration.authMethod)
    throw invalidInput(`the client registered ${registration.authMethod}, which cannot be changed`, 'authMethod')
  checkGrants(settings.grants, client.grants)
}

/** Replaces the keys of a client if the metadata has others; tokens of the former keys are revoked. */
async function replaceKeys(knex: Knex, client: Client, jwks: string | undefined, actor: Actor): Promise<void> {
  if (jwks === undefined) return
  const keys = await parsePublicKeys(jwks)
  const present = (await currentSet(knex, client.key, 'key')).map(({ hash }) => hash.toString('hex'))
  const given = keys.map(({ thumbprint }) => thumbprint.toString('hex'))
  if (!isDeepStrictEqual(present.toSorted(), given.toSorted()))
    await rotateSecret(knex, client.clientId, 0, actor, { keys })
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
 * @throws InvalidRegistrationTokenError; KeywrightError `invalid_input`
 */
export async function updateRegisteredClient(
  knex: Knex,
  configured: Configured,
  metadata: ClientMetadata,
  origin: Origin,
): Promise<RegisteredClient> {
  const { client, registration } = await authenticated(knex, configured)
  checkUpdate(client, registration, metadata)
  const actor = { type: 'client', id: client.clientId, ...origin } as const
  const scopes = await remainingScopes(knex, client, metadata.scopes)
  const check = async (locked: Client, trx: Knex) => {
    await authenticated(trx, configured)
    checkGrants(metadata.settings.grants, locked.grants)
  }
  const complete = (before: Client, changes: Partial<ClientSettings>) => withVerification('admin', before, changes)
  const change = { settings: metadata.settings, ...(scopes && { scopes }) }
  await updateClient(knex, client.clientId, change, actor, { check, complete })
  await replaceKeys(knex, client, metadata.jwks, actor)
  await updateDynamicRegistration(knex, client.key, metadata)
  return await readRegisteredClient(knex, configured)
}

async function deleteActive(trx: Knex, clientId: string, actor: Actor): Promise<void> {
  const client = await lockClient(trx, clientId)
  await markClientDeleting(trx, client.key)
  await recordAudit(trx, actor, deletedClientEntry(client))
}

/** Deletes a client, whose tokens are revoked at once (RFC 7592, section 2.3). @throws InvalidRegistrationTokenError */
export async function deleteRegisteredClient(knex: Knex, configured: Configured, origin: Origin): Promise<void> {
  await knex.transaction(async (trx) => {
    const { client } = await authenticated(trx, configured)
    await deleteActive(trx, client.clientId, { type: 'client', id: client.clientId, ...origin })
  })
}

/** Deletes clients that registered themselves and were not used for 30 days. Returns how many of at most `limit` it looked at. */
export async function deleteUnusedRegistrations(knex: Knex, limit: number): Promise<number> {
  const due = await findDueRegistrations(knex, limit)
  for (const { clientKey, clientId } of due) {
    await knex.transaction(async (trx) => {
      await lockClientsExclusive(trx, 'id', clientKey)
      if (await isUnused(trx, clientKey)) await deleteActive(trx, clientId, ACTOR)
      await keepRegistration(trx, clientKey)
    })
  }
  return due.length
}
