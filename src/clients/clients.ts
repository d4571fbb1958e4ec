import type { Knex } from 'knex'
import type { Api } from '../apis/apis.ts'
import type { AuditEntry } from '../audit/audit-log.ts'
import { unlessExternalIdTaken } from '../database/external-ids.ts'
import { type Environment, withEnvironment } from '../shared/environments.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { hasBytes } from '../shared/images.ts'
import { generateIdentifier } from '../shared/secrets.ts'
import { type ClientsOf, lockAllClientsExclusive, lockClientsExclusive } from './client-locks.ts'
import { saveLogo } from './client-logos.ts'
import { checkedApiClient, checkedSettings } from './client-rules.ts'
import { type ClientSettings, type SettingsRow, settingsColumns, toSettings } from './client-settings.ts'
import { allowedSchemes } from './instance-settings.ts'

export type ClientKind = 'key_pair' | 'application' | 'api'
/** `deleting`: what belongs to the client is being deleted, and then the client. This is final. */
export type ClientStatus = 'active' | 'archived' | 'replaced' | 'deleting'

/** What tells the key pairs of an admin apart. */
export interface PairIdentity {
  /** Null: the default pair of the admin, or no key pair. */
  readonly pairName: string | null
  /** Only a named pair has an environment. */
  readonly environment: Environment | null
}

export interface Client extends ClientSettings, PairIdentity {
  readonly key: number
  readonly clientId: string
  readonly kind: ClientKind
  /** Null for the client of an API, and for an application of the instance. */
  readonly accountId: string | null
  readonly userId: string | null
  readonly status: ClientStatus
  readonly revocationEpoch: number
  /** Increases with each change that removes a right, which invalidates earlier authorization codes. */
  readonly codeRevocationEpoch: number
  readonly createdAt: Date
  /** Increases with each change. */
  readonly revision: number
}

export interface ClientOwner extends Partial<PairIdentity> {
  readonly kind: ClientKind
  readonly accountId: string | null
  readonly userId: string | null
  readonly apiId: number | null
  /** The user who created the client; absent or null: a client that acts for itself, or the command line. */
  readonly createdBy?: string | null
  /** Of a client that has it before it is stored; absent: a new one is generated. */
  readonly clientId?: string | undefined
}

export interface ClientRow extends SettingsRow {
  id: number
  client_id: string
  kind: ClientKind
  account_id: string | null
  user_id: string | null
  pair_name: string | null
  environment: Environment | null
  status: ClientStatus
  revocation_epoch: number
  code_revocation_epoch: number
  created_at: Date
  version: number
}

export const toClient = (row: ClientRow): Client => ({
  key: row.id,
  clientId: row.client_id,
  kind: row.kind,
  accountId: row.account_id,
  userId: row.user_id,
  pairName: row.pair_name,
  environment: row.environment,
  status: row.status,
  revocationEpoch: row.revocation_epoch,
  codeRevocationEpoch: row.code_revocation_epoch,
  ...toSettings(row),
  createdAt: row.created_at,
  revision: row.version,
})

const ID_PREFIXES: Record<ClientKind, string> = { key_pair: 'kwc_', application: 'kwc_', api: 'kwa_' }

const schemesOf = ({ redirectUris, postLogoutRedirectUris }: ClientSettings): string[] =>
  [...redirectUris, ...postLogoutRedirectUris].map((uri) => uri.slice(0, Math.max(uri.indexOf(':'), 0)))

/** The schemes without a dot that a client may use: those that an operator allows, and those that it has already. */
async function schemesFor(trx: Knex, settings: ClientSettings, before?: Client): Promise<readonly string[]> {
  const present = before ? schemesOf(before) : []
  const isNew = (scheme: string) => !/^https?$/.test(scheme) && !scheme.includes('.') && !present.includes(scheme)
  return schemesOf(settings).some(isNew) ? [...present, ...(await allowedSchemes(trx))] : present
}

/**
 * The settings as they are stored.
 * @param before the client before the change; absent: a new client
 * @throws KeywrightError `invalid_input`, with every error at its field
 */
export const checkSettings = async (db: Knex, settings: ClientSettings, before?: Client): Promise<ClientSettings> =>
  checkedSettings(settings, await schemesFor(db, settings, before))

/** @throws KeywrightError `invalid_input` */
export async function insertClient(trx: Knex, owner: ClientOwner, settings: ClientSettings): Promise<Client> {
  const checked = owner.kind === 'api' ? checkedApiClient(settings) : await checkSettings(trx, settings)
  const { pairName = null, environment = null } = owner
  const row = {
    client_id: owner.clientId ?? generateIdentifier(withEnvironment(ID_PREFIXES[owner.kind], environment)),
    kind: owner.kind,
    account_id: owner.accountId,
    user_id: owner.userId,
    pair_name: pairName,
    environment,
    api_id: owner.apiId,
    created_by: owner.createdBy ?? null,
    ...settingsColumns(checked),
  }
  const [created] = await unlessExternalIdTaken('clients', () => trx('clients').insert(row).returning<ClientRow[]>('*'))
  if (checked.logo) await saveLogo(trx, created!.id, checked.logo)
  return toClient(created!)
}

/** @throws KeywrightError `not_found` */
export async function getClient(db: Knex, clientId: string): Promise<Client> {
  const row = await db<ClientRow>('clients').where({ client_id: clientId }).first()
  if (!row) throw notFound('client', clientId)
  return toClient(row)
}

const beingDeleted = (clientId: string) => new KeywrightError('conflict', `${clientId} is being deleted`)

/**
 * Locks a client exclusively and returns it. Tokens that are being issued wait, then see the change.
 * @throws KeywrightError `not_found`, `conflict` (it is being deleted)
 */
export async function lockClient(trx: Knex, clientId: string): Promise<Client> {
  const client = await getClient(trx, clientId)
  await lockClientsExclusive(trx, 'id', client.key)
  const row = await trx<ClientRow>('clients').where({ id: client.key }).forUpdate().first()
  if (!row) throw notFound('client', clientId)
  if (row.status === 'deleting') throw beingDeleted(clientId)
  return toClient(row)
}

/** @throws KeywrightError `invalid_input` */
export async function saveSettings(trx: Knex, client: Client, changes: Partial<ClientSettings>): Promise<Client> {
  // Without its bytes a logo is no new one.
  const logo = changes.logo && !hasBytes(changes.logo) ? client.logo : changes.logo
  const changed = { ...client, ...changes, ...(logo !== undefined && { logo }) }
  const settings = client.kind === 'api' ? checkedApiClient(changed) : await checkSettings(trx, changed, client)
  // The use of the previous rate limit does not count towards the new one.
  if (changes.rateLimit !== undefined) await trx('rate_limits').where({ client_id: client.key }).delete()
  if (logo !== undefined) await saveLogo(trx, client.key, logo)
  const columns = { ...settingsColumns(settings), version: trx.raw('version + 1') }
  const [row] = await unlessExternalIdTaken('clients', () =>
    trx('clients').where({ id: client.key }).update(columns).returning<ClientRow[]>('*'),
  )
  return toClient(row!)
}

/** Invalidates cached registrations of a client after a change outside its row. */
export async function touchClient(trx: Knex, clientKey: number): Promise<void> {
  await trx('clients').where({ id: clientKey }).increment('version', 1)
}

/** Invalidates cached registrations of all clients of an account after a change outside their rows. */
export async function touchClientsOfAccount(trx: Knex, accountId: string): Promise<void> {
  await lockClientsExclusive(trx, 'account_id', accountId)
  await trx.raw(
    `UPDATE clients SET version = version + 1
      WHERE id IN (SELECT id FROM clients WHERE account_id = ? ORDER BY id FOR UPDATE)`,
    [accountId],
  )
}

/** Revokes the authorization codes of a client that are not redeemed yet. */
export async function raiseCodeRevocationEpoch(trx: Knex, clientKey: number): Promise<void> {
  await trx('clients').where({ id: clientKey }).increment('code_revocation_epoch', 1)
}

/** Invalidates cached registrations of the client of an API. */
export async function touchClientOfApi(trx: Knex, { id }: Api): Promise<void> {
  await trx('clients').where({ api_id: id }).increment('version', 1)
}

/** Revokes every token of some clients and returns the revoked epochs. Active clients can get new tokens. */
export async function raiseRevocationEpochs(
  trx: Knex,
  by: ClientsOf,
  value: string | number,
): Promise<{ clientKey: number; revocationEpoch: number }[]> {
  await lockClientsExclusive(trx, by, value)
  // Rows are locked in one order everywhere, so that two such statements do not deadlock.
  const { rows } = await trx.raw(
    `UPDATE clients SET revocation_epoch = revocation_epoch + 1, version = version + 1
      WHERE id IN (SELECT id FROM clients WHERE ?? = ? ORDER BY id FOR UPDATE)
      RETURNING id, revocation_epoch - 1 AS revocation_epoch`,
    [by, value],
  )
  return rows.map((row: { id: number; revocation_epoch: number }) => ({
    clientKey: row.id,
    revocationEpoch: row.revocation_epoch,
  }))
}

/** Revokes every token of every client, except the clients of APIs, which have none. Updates many rows; rare. */
export async function raiseAllRevocationEpochs(trx: Knex): Promise<void> {
  await lockAllClientsExclusive(trx)
  await trx.raw(`
    UPDATE clients SET revocation_epoch = revocation_epoch + 1, version = version + 1
     WHERE id IN (SELECT id FROM clients WHERE kind <> 'api' ORDER BY id FOR UPDATE)`)
}

/**
 * Archives, restores or replaces a client. A client that is not `active` (archived or replaced) cannot authenticate
 * (`registrations.ts`), gets no tokens (`record-statement.ts`), and its access and refresh tokens are inactive (the views
 * `client_access_tokens` and `active_refresh_tokens`). The raised revocation epoch keeps them revoked after a restore.
 * @throws KeywrightError `conflict` when the key pair was replaced or the client is being deleted, which is final
 */
export async function setClientStatus(trx: Knex, client: Client, status: ClientStatus): Promise<Client> {
  if (client.status === 'replaced') {
    throw new KeywrightError('conflict', `${client.clientId} was replaced by a newer key pair`)
  }
  if (client.status === 'deleting') throw beingDeleted(client.clientId)
  const change = {
    status,
    deactivated_at: status === 'active' ? null : trx.fn.now(),
    revocation_epoch: trx.raw('revocation_epoch + 1'),
    version: trx.raw('version + 1'),
  }
  const [row] = await trx('clients').where({ id: client.key }).update(change).returning<ClientRow[]>('*')
  return toClient(row!)
}

/** The audit event of a change of a client. */
export const clientEntry = (action: string, client: Client, detail: Record<string, unknown> = {}): AuditEntry => ({
  action,
  target: { type: 'client', id: client.clientId },
  accountId: client.accountId,
  detail,
})
