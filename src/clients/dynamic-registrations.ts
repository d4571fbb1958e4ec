import type { Knex } from 'knex'
import { generateSecret, hashSecret, isWellFormedSecret } from '../shared/secrets.ts'
import { type ClientMetadata, REGISTRABLE_AUTH_METHODS } from './client-metadata.ts'
import { type Client, type ClientRow, toClient } from './clients.ts'
import { metadataOfStatement, type SoftwareStatement } from './software-statements.ts'

/** By what right a client registered itself. */
export const REGISTRATION_SOURCES = ['initial_access_token', 'software_statement', 'open', 'metadata_document'] as const
export type RegistrationSource = (typeof REGISTRATION_SOURCES)[number]

/** What a client that registered itself has beside other clients. */
export interface DynamicRegistration {
  readonly source: RegistrationSource
  /** `token_endpoint_auth_method`: as it was registered, unless an admin has changed how the client authenticates. */
  readonly authMethod: string
  readonly softwareId: string | null
  readonly softwareVersion: string | null
  /** Who issued its software statement (RFC 7591, section 2.3); null: it has none. */
  readonly softwareStatementIssuer: string | null
}

/** With what only the client sees. */
export interface OwnRegistration extends DynamicRegistration {
  /** As it was sent. */
  readonly softwareStatement: string | null
}

interface RegistrationRow {
  source: RegistrationSource
  auth_method: string
  software_id: string | null
  software_version: string | null
  software_statement_issuer: string | null
  software_statement: string | null
}

const toRegistration = (row: RegistrationRow): OwnRegistration => ({
  source: row.source,
  authMethod: row.auth_method,
  softwareId: row.software_id,
  softwareVersion: row.software_version,
  softwareStatementIssuer: row.software_statement_issuer,
  softwareStatement: row.software_statement,
})

/** Several names mean one of our methods, so the registered name counts as long as the method is the same. */
function authMethodOf({ isPublic, authMethod }: Client, registered: string): string {
  const present = isPublic ? 'none' : authMethod
  if (REGISTRABLE_AUTH_METHODS[registered] === present) return registered
  return present === 'client_secret' ? 'client_secret_basic' : present
}

/** The registration of a client, whose authentication an admin may have changed since. */
export const presentRegistration = <Registration extends DynamicRegistration>(
  client: Client,
  registered: Registration,
): Registration => ({
  ...registered,
  authMethod: authMethodOf(client, registered.authMethod),
})

/** Days until a job looks whether a new client was used. */
const UNUSED_DAYS: Readonly<Record<RegistrationSource, number>> = {
  initial_access_token: 30,
  software_statement: 7,
  open: 1,
  metadata_document: 1,
}

/**
 * SQL: `c` is a client that nobody used: it did not authenticate, and no user allowed it. A stranger can authenticate as often as they
 * like, so that does not count for what a stranger registered.
 */
const IS_UNUSED = `
  (d.source IN ('open', 'metadata_document') OR
   NOT EXISTS (SELECT FROM client_secrets s WHERE s.client_id = c.id AND s.last_used_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM client_callers k WHERE k.client_id = c.id))
  AND NOT EXISTS (SELECT FROM consents n WHERE n.client_id = c.id)
  AND NOT EXISTS (SELECT FROM refresh_tokens r WHERE r.client_id = c.id)`

/** Notes that a new client registered itself. Returns its registration access token, which is stored as a hash. */
export async function insertDynamicRegistration(
  trx: Knex,
  clientKey: number,
  source: RegistrationSource,
  { authMethod, softwareId, softwareVersion }: Pick<ClientMetadata, 'authMethod' | 'softwareId' | 'softwareVersion'>,
  statement?: SoftwareStatement,
): Promise<string> {
  const secret = generateSecret('registrationAccessToken')
  await trx('dynamic_registrations').insert({
    client_id: clientKey,
    source,
    token_hash: hashSecret(secret),
    auth_method: authMethod,
    software_id: softwareId,
    software_version: softwareVersion,
    software_statement_issuer: statement?.issuer.issuer,
    software_statement: statement?.text,
    expires_at: trx.raw('now() + make_interval(days => ?)', [UNUSED_DAYS[source]]),
  })
  return secret
}

/** Replaces what the client says of itself. */
export async function updateDynamicRegistration(
  trx: Knex,
  clientKey: number,
  { softwareId, softwareVersion }: Pick<ClientMetadata, 'softwareId' | 'softwareVersion'>,
): Promise<void> {
  const columns = { software_id: softwareId, software_version: softwareVersion }
  await trx('dynamic_registrations').where({ client_id: clientKey }).update(columns)
}

const FIND = `
  SELECT c.*, d.source, d.auth_method AS registered_auth_method, d.software_id, d.software_version,
         d.software_statement_issuer, d.software_statement
    FROM dynamic_registrations d
    JOIN clients c ON c.id = d.client_id
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE d.token_hash = ? AND c.client_id = ? AND c.status = 'active' AND (a.id IS NULL OR a.status = 'active')`

/**
 * The client with this registration access token. Undefined: the token is unknown or another client's, or the client or its account
 * is not active.
 */
export async function authenticateRegisteredClient(
  db: Knex,
  clientId: string,
  secret: string,
): Promise<{ client: Client; registration: OwnRegistration } | undefined> {
  if (!isWellFormedSecret('registrationAccessToken', secret)) return undefined
  const { rows } = await db.raw(FIND, [hashSecret(secret), clientId] as never)
  const row: (ClientRow & RegistrationRow & { registered_auth_method: string }) | undefined = rows[0]
  if (!row) return undefined
  const client = toClient(row)
  const registered = toRegistration({ ...row, auth_method: row.registered_auth_method })
  return { client, registration: presentRegistration(client, registered) }
}

/** SQL: the registration of `clients c` as it was made, as JSON; null: it did not register itself. */
export const REGISTRATION_OF_CLIENT = `
  SELECT json_build_object('source', d.source, 'authMethod', d.auth_method, 'softwareId', d.software_id, 'softwareVersion', d.software_version,
                           'softwareStatementIssuer', d.software_statement_issuer)
    FROM dynamic_registrations d WHERE d.client_id = c.id`

/** A client that registered itself, and whose time to be used is over. */
interface DueRegistration {
  readonly clientKey: number
  readonly clientId: string
}

/** At most `limit` registrations whose time to be used is over. */
export async function findDueRegistrations(db: Knex, limit: number): Promise<DueRegistration[]> {
  const { rows } = await db.raw(
    `SELECT c.id AS "clientKey", c.client_id AS "clientId"
       FROM dynamic_registrations d JOIN clients c ON c.id = d.client_id
      WHERE d.expires_at < now() ORDER BY d.expires_at LIMIT ?`,
    [limit],
  )
  return rows
}

/** Whether the client registered itself. */
export async function isDynamicallyRegistered(db: Knex, clientKey: number): Promise<boolean> {
  const row = await db('dynamic_registrations').where({ client_id: clientKey }).first('client_id')
  return row !== undefined
}

/**
 * Whether nobody but itself says where the client is: a stranger registered it, it describes itself at its client ID, or its software
 * statement names no redirect URIs. Anybody who has a copy of the software has the statement.
 */
export async function isOpenlyRegistered(db: Knex, clientKey: number): Promise<boolean> {
  const row = await db('dynamic_registrations').where({ client_id: clientKey }).first('source', 'software_statement')
  if (row?.source !== 'software_statement') return ['open', 'metadata_document'].includes(row?.source)
  return !Object.hasOwn(metadataOfStatement(row.software_statement), 'redirect_uris')
}

/** Whether an account holds so many clients of strangers; no more than `limit` are counted. */
export async function hasOpenClients(db: Knex, accountId: string, limit: number): Promise<boolean> {
  const { rows } = await db.raw(
    `SELECT count(*) >= :limit AS reached
       FROM (SELECT FROM dynamic_registrations d JOIN clients c ON c.id = d.client_id
              WHERE d.source IN ('open', 'metadata_document') AND c.account_id = :accountId LIMIT :limit) found`,
    { accountId, limit },
  )
  return rows[0].reached
}

/** Whether so many clients have registered by statements of an issuer alone; no more than `limit` are counted. */
export async function hasClientsOfIssuer(db: Knex, issuer: string, limit: number): Promise<boolean> {
  const { rows } = await db.raw(
    `SELECT count(*) >= :limit AS reached
       FROM (SELECT FROM dynamic_registrations d
              WHERE d.software_statement_issuer = :issuer AND d.source = 'software_statement' LIMIT :limit) found`,
    { issuer, limit },
  )
  return rows[0].reached
}

/** Whether a client is active and was never used. */
export async function isUnused(db: Knex, clientKey: number): Promise<boolean> {
  const { rows } = await db.raw(
    `SELECT c.status = 'active' AND ${IS_UNUSED} AS unused
       FROM clients c JOIN dynamic_registrations d ON d.client_id = c.id WHERE c.id = ?`,
    [clientKey],
  )
  return rows[0]?.unused ?? false
}

/** Lets the registration of a client that was used last. */
export async function keepRegistration(db: Knex, clientKey: number): Promise<void> {
  await db('dynamic_registrations').where({ client_id: clientKey }).update({ expires_at: null })
}

/** Ends the registration access token of a client, if it has one: an admin has taken its credentials over. */
export async function endRegistrationAccessToken(trx: Knex, clientKey: number): Promise<void> {
  const unknown = hashSecret(generateSecret('registrationAccessToken'))
  await trx('dynamic_registrations').where({ client_id: clientKey }).update({ token_hash: unknown })
}

/** Lets earlier consents to a client count no more if it can send its users elsewhere from now on. */
export async function requireNewConsents(trx: Knex, before: Client, after: Client): Promise<void> {
  if (after.redirectUris.every((uri) => before.redirectUris.includes(uri))) return
  await trx('dynamic_registrations')
    .where({ client_id: after.key })
    .update({ consent_since: trx.raw('clock_timestamp()') })
}
