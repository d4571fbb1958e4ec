import type { Knex } from 'knex'
import { lockUserExclusive, lockUserShared } from '../accounts/user-locks.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { apiRightsOf } from '../clients/client-rights.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'

/** What an application may see and do in a person's name. */
export interface Permissions {
  /** Of `IDENTITY_SCOPES`. */
  readonly identityScopes: readonly string[]
  /** Single claims about the person (OpenID Connect Core, section 5.5). */
  readonly claims: readonly string[]
  /** Scopes by the identifier of their API. */
  readonly apis: Readonly<Record<string, readonly string[]>>
}

/** What a person has allowed one application. */
export interface Consent extends Permissions {
  readonly id: string
  readonly userId: string
  readonly clientId: string
  readonly allowedAt: Date
}

/** A consent as its person sees it. */
export interface Connection {
  readonly clientId: string
  readonly name: string
  /** Whose it is; of one of the instance's own, what the instance is called. */
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

/** What this person has allowed this client. */
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

/** Who allows whom. */
interface Between {
  readonly userId: string
  readonly clientKey: number
  /** The user was not asked: the client skips the consent page. */
  readonly skipped?: boolean
}

/** The scopes of `added` that the client has now. Keeps them so until the transaction ends. */
async function withinRights(trx: Knex, clientKey: number, added: Permissions): Promise<Permissions> {
  await trx('clients').where({ id: clientKey }).forShare().first('id')
  await trx('apis').whereIn('identifier', Object.keys(added.apis)).orderBy('id').forShare().select('id')
  const rights = await apiRightsOf(trx, clientKey)
  const kept = rights
    .filter(({ identifier }) => Object.hasOwn(added.apis, identifier))
    .map(({ identifier, scopes }) => [identifier, added.apis[identifier]!.filter((scope) => scopes.includes(scope))])
  return { ...added, apis: Object.fromEntries(kept) }
}

/**
 * Adds to what a user allows a client, within what the client may still ask for; answers the consent's id.
 * @throws KeywrightError `invalid_grant` when the user may no longer sign in
 */
export async function allow(knex: Knex, between: Between, wanted: Permissions, actor: Actor): Promise<string> {
  const { skipped = false } = between
  const key = { user_id: between.userId, client_id: between.clientKey }
  return await knex.transaction(async (trx) => {
    await lockActiveUserShared(trx, between.userId)
    const fresh = { ...key, id: newId(), identity_scopes: [], claims: [], apis: '{}', skipped }
    const [row] = await trx('consents')
      .insert(fresh)
      .onConflict(['user_id', 'client_id'])
      .merge({ allowed_at: trx.fn.now(), skipped: trx.raw('consents.skipped OR excluded.skipped') })
      .returning<Omit<ConsentRow, 'client_identifier'>[]>('*')
    const added = await withinRights(trx, between.clientKey, wanted)
    const { identity_scopes: identityScopes, claims, apis, id } = row!
    const merged = merge({ identityScopes, claims, apis }, added)
    await trx('consents')
      .where({ id })
      .update({
        identity_scopes: [...merged.identityScopes],
        claims: [...merged.claims],
        apis: JSON.stringify(merged.apis),
      })
    const client = await trx('clients').where({ id: between.clientKey }).first('client_id', 'account_id')
    await recordAudit(trx, actor, {
      action: 'consent.given',
      target: { type: 'client', id: client.client_id },
      accountId: client.account_id,
      detail: { user_id: between.userId, ...added },
    })
    return id
  })
}

const gone = () => new KeywrightError('invalid_grant', 'the person no longer allows this, or may no longer sign in')

/** Keeps a person, and their account, as they are until the transaction ends. @throws KeywrightError `invalid_grant` */
async function lockActiveUserShared(trx: Knex, userId: string): Promise<void> {
  await lockUserShared(trx, userId)
  const account = trx('users').where({ id: userId }).select('account_id')
  const [owner] = await trx('accounts').where('id', account).forShare().select('status')
  const [person] = await trx('users').where({ id: userId }).forShare().select('status')
  if (person?.status !== 'active' || (owner && owner.status !== 'active')) throw gone()
}

/** The consent that something is issued by, and what is to be issued. */
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
    .every((one) => (IDENTITY_SCOPES.includes(one) ? identity_scopes : (apis[api] ?? [])).includes(one))

/**
 * Keeps a user and their consent as they are until the transaction ends. Whoever issues something for a user holds both,
 * so that nothing more is issued after the consent was withdrawn or narrowed, or the user or their account was disabled.
 * @throws KeywrightError `invalid_grant`
 */
export async function lockConsentShared(trx: Knex, held: RequiredConsent): Promise<void> {
  await lockActiveUserShared(trx, held.userId)
  const key = { id: held.consentId, user_id: held.userId }
  const consent = held.consentId && (await trx('consents').where(key).forShare().first('identity_scopes', 'apis'))
  if (!consent || !allows(consent, held)) throw gone()
}

/**
 * Takes back what a person allowed an application, with every token that came of it; answers how many live access
 * tokens that were.
 * @throws KeywrightError `not_found`
 */
export async function withdrawConsent(
  knex: Knex,
  { userId, clientId }: { userId: string; clientId: string },
  actor: Actor,
): Promise<number> {
  return await knex.transaction(async (trx) => {
    await lockUserExclusive(trx, userId)
    // Whoever ends tokens of a person takes this row first, so that no two of them wait for each other's tokens.
    await trx('users').where({ id: userId }).forNoKeyUpdate().first('id')
    const client = await trx('clients').where({ client_id: clientId }).first('id', 'account_id')
    const key = { user_id: userId, client_id: client?.id ?? 0 }
    const deleted = await trx('consents').where(key).delete()
    if (deleted === 0) throw notFound('connected application', clientId)
    const held = { client_id: client.id, subject: userId }
    await trx('refresh_tokens').where(held).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    const live = trx('active_access_tokens').where({ client_key: client.id, subject: userId }).select('jti')
    const ended = await trx('access_tokens').where(held).whereIn('jti', live).update({ revoked_at: trx.fn.now() })
    await recordAudit(trx, actor, {
      action: 'consent.withdrawn',
      target: { type: 'client', id: clientId },
      accountId: client.account_id,
      detail: { user_id: userId, revoked: ended },
    })
    return ended
  })
}

/** The applications that a user has consented to, the latest consent first. */
export async function listConnections(db: Knex, userId: string): Promise<Connection[]> {
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
