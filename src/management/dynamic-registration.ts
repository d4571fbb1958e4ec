import type { JWK } from 'jose'
import type { Knex } from 'knex'
import type { Actor } from '../audit/audit-log.ts'
import { listClientApis, resolveApis } from '../clients/client-apis.ts'
import { type PublicKey, parsePublicKeys } from '../clients/client-keys.ts'
import type { ClientMetadata } from '../clients/client-metadata.ts'
import { currentSet, listSecrets } from '../clients/client-secrets.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import type { Client } from '../clients/clients.ts'
import { insertDynamicRegistration, type OwnRegistration } from '../clients/dynamic-registrations.ts'
import { AUTHORIZATION_CODE_GRANT, DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import { applicationDefaults } from '../clients/instance-attributes.ts'
import { dynamicRegistrationOf, getInstanceSettings } from '../clients/instance-settings.ts'
import type { SoftwareStatement } from '../clients/software-statements.ts'
import { invalidInput } from '../shared/errors.ts'
import { createClient } from './client-registration.ts'
import {
  checkCalledUrls,
  checkGrants,
  keepIssuer,
  limitStrangers,
  type Permitted,
  permittedByStatement,
  permittedByToken,
  permittedOpenly,
} from './permitted-registrations.ts'

/** Where a request comes from, for the activity log. */
export type Origin = Pick<Actor, 'ip' | 'requestId'>

/** Who registers and deletes clients that register themselves. */
export const REGISTRATION_ACTOR = { type: 'system', id: 'dynamic_registration' } as const

/** A client as the registration endpoint returns it. */
export interface RegisteredClient {
  readonly client: Client
  readonly registration: OwnRegistration
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

/** Whether clients may register themselves. */
export const acceptsRegistrations = async (knex: Knex): Promise<boolean> =>
  (await dynamicRegistrationOf(knex)) !== 'off'

/** What the endpoints return of a client. */
export async function describeClient(
  db: Knex,
  client: Client,
  registration: OwnRegistration,
): Promise<RegisteredClient> {
  const apis = await listClientApis(db, client.key)
  const [secret] = (await listSecrets(db, client.key)).filter(({ kind }) => kind === 'secret')
  const scopes = [...new Set(apis.flatMap((api) => api.scopes))]
  const set = client.jwksUri === null ? await currentSet(db, client.key, 'key') : []
  const keys = set.flatMap(({ jwk }) => jwk ?? [])
  return { client, registration, scopes, keys, secretExpiresAt: secret?.retiresAt ?? null }
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

interface Request {
  readonly metadata: ClientMetadata
  readonly statement: SoftwareStatement | undefined
  readonly keys: readonly PublicKey[] | undefined
  readonly origin: Origin
}

async function insertRegistered(
  trx: Knex,
  permitted: Permitted,
  { metadata, statement, keys, origin }: Request,
): Promise<NewlyRegisteredClient> {
  const { accountId, source, through } = permitted
  checkGrants(metadata.settings.grants, permitted.grants)
  checkCalledUrls(metadata, source, permitted.urls)
  const access = await permittedAccess(trx, metadata, permitted)
  const request = { accountId, settings: await settingsOf(trx, metadata), ...access, keys }
  const { client, clientSecret } = await createClient(trx, request, {
    ...REGISTRATION_ACTOR,
    ...origin,
    ...(through && { through }),
  })
  const registrationAccessToken = await insertDynamicRegistration(trx, client.key, source, metadata, statement)
  const { authMethod, softwareId, softwareVersion } = metadata
  const registration = {
    source,
    authMethod,
    softwareId,
    softwareVersion,
    softwareStatementIssuer: statement?.issuer.issuer ?? null,
    softwareStatement: statement?.text ?? null,
  }
  return { ...(await describeClient(trx, client, registration)), clientSecret, registrationAccessToken }
}

/**
 * Registers a client with an initial access token, with a software statement, or with neither where registration is open (RFC 7591,
 * section 3). Of concurrent requests, no more succeed than the token allows.
 * @param secret the token; empty: the request has none
 * @param metadata with what its statement says
 * @throws InvalidRegistrationTokenError; SoftwareStatementError; RateLimitedError; KeywrightError `invalid_input` (the metadata),
 * `conflict` (the account or the API is disabled, or has too many clients)
 */
export async function registerClient(
  knex: Knex,
  secret: string,
  metadata: ClientMetadata,
  origin: Origin,
  statement?: SoftwareStatement,
): Promise<NewlyRegisteredClient> {
  const isOpen = secret === '' && !statement && (await dynamicRegistrationOf(knex)) === 'open'
  if (isOpen || (secret === '' && statement)) await limitStrangers(knex, origin.ip, statement?.issuer.issuer ?? null)
  const keys = metadata.jwks === undefined ? undefined : await parsePublicKeys(metadata.jwks)
  const permittedIn = async (trx: Knex) => {
    if (secret === '' && statement) return await permittedByStatement(trx, statement)
    const permitted = isOpen ? await permittedOpenly(trx) : await permittedByToken(trx, secret)
    if (statement) await keepIssuer(trx, statement.issuer.id)
    return permitted
  }
  return await knex.transaction(
    async (trx) => await insertRegistered(trx, await permittedIn(trx), { metadata, statement, keys, origin }),
  )
}
