import type { Knex } from 'knex'
import { type LockedUser, lockUserExclusive, lockUserShared } from '../accounts/user-locks.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { apiRightsOf } from '../clients/client-rights.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'

/** The scopes and claims that an application may use on behalf of a user. */
export interface Permissions {
  /** Of `IDENTITY_SCOPES`. */
  readonly identityScopes: readonly string[]
  /** Individually requested claims (OpenID Connect Core, section 5.5). */
  readonly claims: readonly string[]
  /** The scopes of each API, by the API's identifier. */
  readonly apis: Readonly<Record<string, readonly string[]>>
}

/** A user's consent to one application. */
export interface Consent extends Permissions {
  readonly id: string
  readonly userId: string
  readonly clientId: string
  readonly allowedAt: Date
}

/** A consent with the application's name, as the user sees it. */
export interface ConnectedApplication {
  readonly clientId: string
  readonly name: string
  /** The name of the application's account; of an application of the instance, the instance's name. */
  readonly accountName: string
  readonly allowedAt: Date
  readonly lastUsedAt: Date | null
  readonly identityScopes: readonly string[]
  readonly claims: readonly string[]
  readonly apis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
}

interface ConsentRow {
  id: string
  user_id: string
  client_identifier: string
  identity_scopes: string[]
  claims: string[]
  apis: Record<string, string[]>
  allowed_at: Date
}

const toConsent = (row: ConsentRow): Consent => ({
  id: row.id,
  userId: row.user_id,
  clientId: row.client_identifier,
  identityScopes: row.identity_scopes,
  claims: row.claims,
  apis: row.apis,
  allowedAt: row.allowed_at,
})

const rows = (db: Knex) =>
  db('consents')
    .join('clients', 'clients.id', 'consents.client_id')
    .select<ConsentRow[]>('consents.*', 'clients.client_id AS client_identifier')

/** The user's consent to this client. */
export async function findConsent(db: Knex, userId: string, clientKey: number): Promise<Consent | undefined> {
  const [row] = await rows(db).where({ 'consents.user_id': userId, 'consents.client_id': clientKey })
  return row && toConsent(row)
}

export async function findConsentById(db: Knex, id: string): Promise<Consent | undefined> {
  const [row] = isId(id) ? await rows(db).where('consents.id', id) : []
  return row && toConsent(row)
}

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])]

function merge(present: Permissions, added: Permissions): Permissions {
  const apis = Object.entries(added.apis).map(([api, scopes]) => [api, union(present.apis[api] ?? [], scopes)])
  return {
    identityScopes: union(present.identityScopes, added.identityScopes),
    claims: union(present.claims, added.claims),
    apis: { ...present.apis, ...Object.fromEntries(apis) },
  }
}

/** A user and the client that gets the consent. */
interface ConsentParties {
  readonly userId: string
  readonly clientKey: number
  /** True when the client skips the consent page, so that the user was not asked. */
  readonly skipped?: boolean
}

/** The scopes of `added` that the client may use. Locks the client and the APIs, so that they do not change in the transaction. */
async function limitToClientRights(trx: Knex, clientKey: number, added: Permissions): Promise<Permissions> {
  await trx('clients').where({ id: clientKey }).forShare().first('id')
  await trx('apis').whereIn('identifier', Object.keys(added.apis)).orderBy('id').forShare().select('id')
  const rights = await apiRightsOf(trx, clientKey)
  const apis = rights
    .filter(({ identifier }) => Object.hasOwn(added.apis, identifier))
    .map(({ identifier, scopes }) => [identifier, added.apis[identifier]!.filter((scope) => scopes.includes(scope))])
  return { ...added, apis: Object.fromEntries(apis) }
}

/**
 * Adds permissions to a user's consent, limited to what the client may use. Inserts the consent if there is none. Returns its id.
 * @throws KeywrightError `invalid_grant` when the user may no longer sign in, or the client was deleted
 */
export async function grantConsent(
  knex: Knex,
  parties: ConsentParties,
  requested: Permissions,
  actor: Actor,
): Promise<string> {
  const { skipped = false } = parties
  const key = { user_id: parties.userId, client_id: parties.clientKey }
  return await knex.transaction(async (trx) => {
    await lockActiveUserShared(trx, parties.userId)
    // The foreign key takes the same lock, and fails for a client that was deleted since the user was asked.
    const known = await trx('clients').where({ id: parties.clientKey }).forKeyShare().first('id')
    if (!known) throw new KeywrightError('invalid_grant', 'the application was deleted')
    const inserted = { ...key, id: newId(), identity_scopes: [], claims: [], apis: '{}', skipped }
    const [row] = await trx('consents')
      .insert(inserted)
      .onConflict(['user_id', 'client_id'])
      .merge({ allowed_at: trx.fn.now(), skipped: trx.raw('consents.skipped OR excluded.skipped') })
      .returning<Omit<ConsentRow, 'client_identifier'>[]>('*')
    const added = await limitToClientRights(trx, parties.clientKey, requested)
    const { identity_scopes: identityScopes, claims, apis, id } = row!
    const merged = merge({ identityScopes, claims, apis }, added)
    await trx('consents')
      .where({ id })
      .update({
        identity_scopes: [...merged.identityScopes],
        claims: [...merged.claims],
        apis: JSON.stringify(merged.apis),
      })
    const client = await trx('clients').where({ id: parties.clientKey }).first('client_id', 'account_id')
    await recordAudit(trx, actor, {
      action: 'consent.given',
      target: { type: 'client', id: client.client_id },
      accountId: client.account_id,
      detail: { user_id: parties.userId, ...added },
    })
    return id
  })
}

const invalidGrant = () =>
  new KeywrightError('invalid_grant', 'the user has withdrawn the consent or may no longer sign in')

/**
 * Locks a user and the user's account shared, so that neither changes in the transaction.
 * @throws KeywrightError `invalid_grant` when one of them is not active
 */
async function lockActiveUserShared(trx: Knex, userId: string): Promise<LockedUser> {
  await lockUserShared(trx, userId)
  const account = trx('users').where({ id: userId }).select('account_id')
  const [owner] = await trx('accounts').where('id', account).forShare().select('id', 'status', 'metadata')
  const [user] = await trx('users').where({ id: userId }).forShare().select('status', 'metadata')
  if (user?.status !== 'active' || (owner && owner.status !== 'active')) throw invalidGrant()
  return { accountId: owner?.id ?? null, metadata: { account: owner?.metadata, user: user.metadata } }
}

/** The scopes of a token, and the consent that must cover them. */
export interface RequiredConsent {
  readonly userId: string
  readonly consentId: string | null
  /** The identifier of the API. */
  readonly api: string
  readonly scope: string
}

const allows = (
  { identity_scopes, apis }: Pick<ConsentRow, 'identity_scopes' | 'apis'>,
  { api, scope }: RequiredConsent,
) =>
  scope
    .split(' ')
    .filter(Boolean)
    .every((name) => (IDENTITY_SCOPES.includes(name) ? identity_scopes : (apis[api] ?? [])).includes(name))

/**
 * Locks a user and their consent shared. Every transaction that issues tokens for a user takes both locks. So no token is
 * issued after the consent was withdrawn or narrowed, or after the user or the account was disabled.
 * @throws KeywrightError `invalid_grant` when the consent does not cover the scopes, or the user may no longer sign in
 */
export async function lockConsentShared(trx: Knex, required: RequiredConsent): Promise<LockedUser> {
  const user = await lockActiveUserShared(trx, required.userId)
  const key = { id: required.consentId, user_id: required.userId }
  const consent = required.consentId && (await trx('consents').where(key).forShare().first('identity_scopes', 'apis'))
  if (!consent || !allows(consent, required)) throw invalidGrant()
  return user
}

/**
 * Withdraws a user's consent to an application, and revokes every token that the application has for the user. Returns the
 * number of revoked access tokens.
 * @throws KeywrightError `not_found`
 */
export async function withdrawConsent(
  knex: Knex,
  { userId, clientId }: { userId: string; clientId: string },
  actor: Actor,
): Promise<number> {
  return await knex.transaction(async (trx) => {
    await lockUserExclusive(trx, userId)
    // Every transaction that revokes tokens of a user locks this row first, so that two of them do not deadlock.
    await trx('users').where({ id: userId }).forNoKeyUpdate().first('id')
    const client = await trx('clients').where({ client_id: clientId }).first('id', 'account_id')
    const key = { user_id: userId, client_id: client?.id ?? 0 }
    const deleted = await trx('consents').where(key).delete()
    if (deleted === 0) throw notFound('connected application', clientId)
    const tokens = { client_id: client.id, subject: userId }
    await trx('refresh_tokens').where(tokens).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    const active = trx('active_access_tokens').where({ client_key: client.id, subject: userId }).select('jti')
    const revoked = await trx('access_tokens').where(tokens).whereIn('jti', active).update({ revoked_at: trx.fn.now() })
    await recordAudit(trx, actor, {
      action: 'consent.withdrawn',
      target: { type: 'client', id: clientId },
      accountId: client.account_id,
      detail: { user_id: userId, revoked },
    })
    return revoked
  })
}

/** The applications that a user has consented to, the latest consent first. */
export async function listConnectedApplications(db: Knex, userId: string): Promise<ConnectedApplication[]> {
  const { rows: found } = await db.raw(
    `SELECT s.*, c.client_id AS client_identifier, c.name,
            coalesce(a.name, (SELECT name FROM instance_settings)) AS account_name,
            used.last_used_at
       FROM consents s
       JOIN clients c ON c.id = s.client_id
       LEFT JOIN accounts a ON a.id = c.account_id
       LEFT JOIN (SELECT client_id, max(issued_at) AS last_used_at FROM access_tokens
                   WHERE subject = ?::text AND subject <> '' GROUP BY client_id) used ON used.client_id = s.client_id
      WHERE s.user_id = ?
      ORDER BY s.allowed_at DESC`,
    [userId, userId],
  )
  return found.map((row: ConsentRow & { name: string; account_name: string; last_used_at: Date | null }) => ({
    clientId: row.client_identifier,
    name: row.name,
    accountName: row.account_name,
    allowedAt: row.allowed_at,
    lastUsedAt: row.last_used_at,
    identityScopes: row.identity_scopes,
    claims: row.claims,
    apis: Object.entries(row.apis).map(([identifier, scopes]) => ({ identifier, scopes })),
  }))
}
