import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { takeFrom } from '../accounts/sign-in-limits.ts'
import type { Actor } from '../audit/audit-log.ts'
import { listClientApis, resolveApis } from '../clients/client-apis.ts'
import { type PublicKey, parsePublicKeys } from '../clients/client-keys.ts'
import type { ClientMetadata } from '../clients/client-metadata.ts'
import { currentSet, listSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import type { Client } from '../clients/clients.ts'
import {
  type DynamicRegistration,
  hasOpenClients,
  insertDynamicRegistration,
  type RegistrationSource,
} from '../clients/dynamic-registrations.ts'
import { AUTHORIZATION_CODE_GRANT, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import {
  findInitialAccessToken,
  type InitialAccessToken,
  useInitialAccessToken,
} from '../clients/initial-access-tokens.ts'
import { applicationDefaults } from '../clients/instance-attributes.ts'
import { dynamicRegistrationOf, getInstanceSettings, lockInstanceShared } from '../clients/instance-settings.ts'
import { OPEN_GRANTS } from '../clients/registration-attributes.ts'
import { invalidInput, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'
import { createClient } from './client-registration.ts'

/** Where a request comes from, for the activity log. */
export type Origin = Pick<Actor, 'ip' | 'requestId'>

/** Who registers and deletes clients that register themselves. */
export const REGISTRATION_ACTOR = { type: 'system', id: 'dynamic_registration' } as const

/** A client as the registration endpoint returns it. */
export interface RegisteredClient {
  readonly client: Client
  readonly registration: DynamicRegistration
  /** The scopes of its APIs. */
  readonly scopes: readonly string[]
  /** The public keys that it registered. */
  readonly keys: readonly JWK[]
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

/** What the endpoints return of a client. */
export async function describeClient(
  db: Knex,
  client: Client,
  registration: DynamicRegistration,
): Promise<RegisteredClient> {
  const apis = await listClientApis(db, client.key)
  const [secret] = (await listSecrets(db, client.key)).filter(({ kind }) => kind === 'secret')
  const scopes = [...new Set(apis.flatMap((api) => api.scopes))]
  const set = client.jwksUri === null ? await currentSet(db, client.key, 'key') : []
  const keys = set.flatMap(({ jwk }) => jwk ?? [])
  return { client, registration, scopes, keys, secretExpiresAt: secret?.retiresAt ?? null }
}

/** @throws KeywrightError `invalid_input` */
export function checkGrants(grants: readonly string[], permitted: readonly string[]): void {
  const [other] = grants.filter((grant) => !permitted.includes(grant))
  if (other === undefined) return
  throw invalidInput(`the client may not register the grant type ${other.slice(0, 100)}`, 'grants')
}

type CalledUrls = Pick<ClientSettings, 'jwksUri' | 'backchannelLogoutUri'>

/**
 * The server calls a URL of keys for as long as the client exists, and a URL of sign-outs for each session of a user, so strangers may
 * choose neither.
 * @param present what an admin has set
 * @throws KeywrightError `invalid_input`
 */
export function checkCalledUrls({ settings }: ClientMetadata, source: RegistrationSource, present: CalledUrls): void {
  if (source !== 'open') return
  const { jwksUri, backchannelLogoutUri } = settings
  const refused = (field: string, message: string) =>
    invalidInput(`a client that registers without an initial access token ${message}`, field)
  if (jwksUri !== null && jwksUri !== present.jwksUri) throw refused('jwksUri', 'gives its keys as jwks')
  if (backchannelLogoutUri !== null && backchannelLogoutUri !== present.backchannelLogoutUri)
    throw refused('backchannelLogoutUri', 'cannot have a backchannel_logout_uri')
}

/** What a new client may have, and by what right. */
interface Permitted extends Pick<InitialAccessToken, 'accountId' | 'grants' | 'apis' | 'scopes'> {
  readonly source: RegistrationSource
  readonly through?: string
}

/** The grant types whose tokens have no scope that a user has not allowed. */
const ALLOWED_BY_USERS: readonly string[] = [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT, DEVICE_CODE_GRANT]

/**
 * The APIs and scopes of a new client. Of the requested scopes those that are permitted, or else all that are (RFC 7591, section 2).
 * A client that has nothing without its users gets all permitted scopes of the requested APIs: MCP clients register with the scope of
 * their first request, and ask the user for more when they need it.
 */
async function permittedAccess(trx: Knex, { scopes: requested, settings }: ClientMetadata, permitted: Permitted) {
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
async function permittedByToken(trx: Knex, secret: string): Promise<Permitted> {
  const token = await findInitialAccessToken(trx, secret)
  if (!token) throw unusable()
  await lockInstanceShared(trx)
  if ((await dynamicRegistrationOf(trx)) === 'off') throw unusable()
  await lockAccountWithApiShared(trx, token.accountId)
  if (!(await useInitialAccessToken(trx, token.id))) throw unusable()
  return { ...token, source: 'initial_access_token', through: token.id }
}

/**
 * The clients of strangers that an account holds: each user could allow any number. Registrations at the same time may exceed it by their
 * number, which their rate limits.
 */
export const MAX_OPEN_CLIENTS = 10_000

/**
 * What the operator permits strangers.
 * @throws InvalidRegistrationTokenError; KeywrightError `conflict` (the API of the instance is switched off, or the account holds too many)
 */
async function permittedOpenly(trx: Knex): Promise<Permitted> {
  await lockInstanceShared(trx)
  const settings = await getInstanceSettings(trx)
  const { dynamicRegistration, openRegistrationAccount: accountId } = settings
  if (dynamicRegistration !== 'open' || accountId === null) throw unusable()
  await lockAccountWithApiShared(trx, accountId).catch((error) => {
    // What is wrong with the account is not for strangers.
    throw error instanceof KeywrightError ? unusable() : error
  })
  if (await hasOpenClients(trx, accountId, MAX_OPEN_CLIENTS))
    throw new KeywrightError('conflict', 'no more clients can register without an initial access token')
  const { openRegistrationApis: apis, openRegistrationScopes: scopes } = settings
  return { accountId, grants: OPEN_GRANTS, apis, scopes, source: 'open' }
}

/** Open registrations of one network that are answered at once; afterwards one every `interval` seconds. */
const OF_NETWORK = { burst: 10, interval: 60 }

/** The same of all networks together: some 1,500 a day. Unused ones are deleted after a day, so their number is bounded. */
const OF_ALL = { burst: 100, interval: 60 }

/** Limits what strangers store: their registrations, and the changes of these. @throws RateLimitedError */
export async function limitOpenRegistrations(knex: Knex, ip: string | undefined): Promise<void> {
  const buckets = [
    { key: hashSecret(`open registration ${networkOf(ip ?? '')}`), ...OF_NETWORK },
    { key: hashSecret('open registration'), ...OF_ALL },
  ]
  for (const bucket of buckets) {
    const taken = await takeFrom(knex, bucket)
    if ('wait' in taken) throw new RateLimitedError(taken.wait)
  }
}

async function insertRegistered(
  trx: Knex,
  permitted: Permitted,
  metadata: ClientMetadata,
  keys: readonly PublicKey[] | undefined,
  origin: Origin,
): Promise<NewlyRegisteredClient> {
  const { accountId, source, through } = permitted
  checkGrants(metadata.settings.grants, permitted.grants)
  checkCalledUrls(metadata, source, DEFAULT_SETTINGS)
  const access = await permittedAccess(trx, metadata, permitted)
  const request = { accountId, settings: await settingsOf(trx, metadata), ...access, keys }
  const { client, clientSecret } = await createClient(trx, request, {
    ...REGISTRATION_ACTOR,
    ...origin,
    ...(through && { through }),
  })
  const registrationAccessToken = await insertDynamicRegistration(trx, client.key, source, metadata)
  const { authMethod, softwareId, softwareVersion } = metadata
  const registration = { source, authMethod, softwareId, softwareVersion }
  return { ...(await describeClient(trx, client, registration)), clientSecret, registrationAccessToken }
}

/**
 * Registers a client with an initial access token, or without one where registration is open (RFC 7591, section 3). Of concurrent requests,
 * no more succeed than the token allows.
 * @param secret the token; empty: the request has none
 * @throws InvalidRegistrationTokenError; RateLimitedError; KeywrightError `invalid_input` (the metadata), `conflict` (the account or the
 * API is disabled)
 */
export async function registerClient(
  knex: Knex,
  secret: string,
  metadata: ClientMetadata,
  origin: Origin,
): Promise<NewlyRegisteredClient> {
  const isOpen = secret === '' && (await dynamicRegistrationOf(knex)) === 'open'
  if (isOpen) await limitOpenRegistrations(knex, origin.ip)
  const keys = metadata.jwks === undefined ? undefined : await parsePublicKeys(metadata.jwks)
  return await knex.transaction(async (trx) => {
    const permitted = isOpen ? await permittedOpenly(trx) : await permittedByToken(trx, secret)
    return await insertRegistered(trx, permitted, metadata, keys, origin)
  })
}
