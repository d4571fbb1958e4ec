import type { Knex } from 'knex'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { lockClientsShared } from '../clients/client-locks.ts'
import { apiRightsOf } from '../clients/client-rights.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { type ActingUser, lockActiveUserShared } from './consent-locks.ts'

/** The scopes and claims that an application may use on behalf of a user. */
export interface Permissions {
  /** Of `IDENTITY_SCOPES`. */
  readonly identityScopes: readonly string[]
  /** Individually requested claims (OpenID Connect Core, section 5.5). */
  readonly claims: readonly string[]
  /** The scopes of each API, by the API's identifier. */
  readonly apis: Readonly<Record<string, readonly string[]>>
}

/** A user's consent to one application, for one of their accounts. */
export interface Consent extends Permissions, ActingUser {
  readonly id: string
  readonly clientId: string
  readonly allowedAt: Date
}

export interface ConsentRow {
  id: string
  given_by: string
  account_id: string | null
  client_identifier: string
  identity_scopes: string[]
  claims: string[]
  apis: Record<string, string[]>
  allowed_at: Date
}

const toConsent = (row: ConsentRow): Consent => ({
  id: row.id,
  userId: row.given_by,
  accountId: row.account_id,
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

/** A user with the account for which they act, and the client that gets the consent. */
export interface ConsentParties extends ActingUser {
  readonly clientKey: number
}

/** The consent of a user to a client for one account. @param parties without an account: the first of the user */
export async function findConsent(
  db: Knex,
  parties: Omit<ConsentParties, 'accountId'> & Partial<ActingUser>,
): Promise<Consent | undefined> {
  const { userId, accountId, clientKey } = parties
  const key =
    accountId === undefined
      ? { 'consents.user_id': userId }
      : { 'consents.given_by': userId, 'consents.account_id': accountId }
  const [row] = await rows(db).where({ ...key, 'consents.client_id': clientKey })
  return row && toConsent(row)
}

/** SQL: the client sends its users elsewhere since a consent was given. */
const IS_OUTDATED = `
  EXISTS (SELECT FROM dynamic_registrations d WHERE d.client_id = consents.client_id AND d.consent_since >= consents.allowed_at)`

/** The consents of a user to a client that count, one for each account. */
export async function listConsentsToClient(db: Knex, userId: string, clientKey: number): Promise<Consent[]> {
  const of = { 'consents.given_by': userId, 'consents.client_id': clientKey }
  const found = await rows(db).where(of).whereRaw(`NOT ${IS_OUTDATED}`)
  return found.map(toConsent)
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

/** The scopes of `added` that the client, which is locked, may use. Locks the APIs too, so that they do not change in the transaction. */
async function limitToClientRights(trx: Knex, clientKey: number, added: Permissions): Promise<Permissions> {
  await trx('apis').whereIn('identifier', Object.keys(added.apis)).orderBy('id').forShare().select('id')
  const rights = await apiRightsOf(trx, clientKey)
  const apis = rights
    .filter(({ identifier }) => Object.hasOwn(added.apis, identifier))
    .map(({ identifier, scopes }) => [identifier, added.apis[identifier]!.filter((scope) => scopes.includes(scope))])
  return { ...added, apis: Object.fromEntries(apis) }
}

/** Inserts an empty consent unless there is one, and locks it. Of one that counts no more, nothing stays. */
async function lockOrInsert(
  trx: Knex,
  parties: ConsentParties & { readonly firstAccountId: string | null },
  skipped: boolean,
): Promise<ConsentRow> {
  const { userId, accountId, clientKey, firstAccountId } = parties
  const isOfFirst = accountId === firstAccountId
  const row = {
    id: newId(),
    // Nodes of the previous version know the first account only.
    user_id: isOfFirst ? userId : null,
    given_by: userId,
    account_id: accountId,
    client_id: clientKey,
    identity_scopes: [],
    claims: [],
    apis: '{}',
    skipped,
  }
  const key = isOfFirst ? '(user_id, client_id)' : '(given_by, client_id, account_id) WHERE user_id IS NULL'
  const unlessOutdated = (column: string) =>
    trx.raw(`CASE WHEN ${IS_OUTDATED} THEN excluded.${column} ELSE consents.${column} END`)
  const [present] = await trx('consents')
    .insert(row)
    .onConflict(trx.raw(key))
    .merge({
      allowed_at: trx.fn.now(),
      skipped: trx.raw('consents.skipped OR excluded.skipped'),
      identity_scopes: unlessOutdated('identity_scopes'),
      claims: unlessOutdated('claims'),
      apis: unlessOutdated('apis'),
    })
    .returning<ConsentRow[]>('*')
  return present!
}

/** Who gives a consent, and how. */
export interface GivenConsent extends ConsentParties {
  /** The client skips the consent page, so the user was not asked. */
  readonly skipped?: boolean
  /** The user's `sessionsValidFrom` when their session was read: with another value it has ended. Absent: no session gives the consent. */
  readonly since?: Date
}

/**
 * Adds permissions to the consent of a user for an account, limited to what the client may use. Inserts the consent if there is none.
 * Returns its id.
 * @throws KeywrightError `invalid_grant` when the user may no longer act for the account, their session has ended, or the client was deleted
 */
export async function grantConsent(
  knex: Knex,
  { skipped = false, since, ...parties }: GivenConsent,
  requested: Permissions,
  actor: Actor,
): Promise<string> {
  return await knex.transaction(async (trx) => {
    const { firstAccountId, sessionsValidFrom } = await lockActiveUserShared(trx, parties)
    if (since !== undefined && Number(since) !== Number(sessionsValidFrom))
      throw new KeywrightError('invalid_grant', 'the session has ended')
    await lockClientsShared(trx, [parties.clientKey])
    const client = await trx('clients').where({ id: parties.clientKey }).first('client_id', 'account_id')
    if (!client) throw new KeywrightError('invalid_grant', 'the application was deleted')
    const row = await lockOrInsert(trx, { ...parties, firstAccountId }, skipped)
    const added = await limitToClientRights(trx, parties.clientKey, requested)
    const { identity_scopes: identityScopes, claims, apis, id } = row
    const merged = merge({ identityScopes, claims, apis }, added)
    await trx('consents')
      .where({ id })
      .update({
        identity_scopes: [...merged.identityScopes],
        claims: [...merged.claims],
        apis: JSON.stringify(merged.apis),
      })
    await recordAudit(trx, actor, {
      action: 'consent.given',
      target: { type: 'client', id: client.client_id },
      accountId: client.account_id,
      detail: { user_id: parties.userId, ...added },
    })
    return id
  })
}

/** Tokens of a user and a client that were issued from a consent which is gone. */
async function revokeTokensOfWithdrawn(
  trx: Knex,
  { userId, accountId, clientKey }: ConsentParties,
  isOfFirstAccount: boolean,
): Promise<number> {
  const tokens = { client_id: clientKey, subject: userId }
  await trx('refresh_tokens')
    .where(tokens)
    .whereNull('revoked_at')
    .whereNotExists(trx('consents').whereRaw('consents.id = refresh_tokens.consent_id'))
    .update({ revoked_at: trx.fn.now() })
  const active = trx('active_access_tokens').where({ client_key: clientKey, subject: userId }).select('jti')
  return await trx('access_tokens')
    .where(tokens)
    .whereIn('jti', active)
    .where((one) => {
      one.where('user_account_id', accountId)
      if (isOfFirstAccount) one.orWhereNull('user_account_id')
    })
    .update({ revoked_at: trx.fn.now() })
}

/**
 * Withdraws a user's consent to an application for an account, and revokes every token that the application has for them there.
 * Returns the number of revoked access tokens. @param accountId absent: the first account
 * @throws KeywrightError `not_found`
 */
export async function withdrawConsent(
  knex: Knex,
  { userId, clientId, accountId }: { userId: string; clientId: string; accountId?: string | undefined },
  actor: Actor,
): Promise<number> {
  return await knex.transaction(async (trx) => {
    await lockUserExclusive(trx, userId)
    // Every transaction that revokes tokens of a user locks this row first, so that two of them do not deadlock.
    await trx('users').where({ id: userId }).forNoKeyUpdate().first('id')
    const client = await trx('clients').where({ client_id: clientId }).first('id', 'account_id')
    if (accountId !== undefined && !isId(accountId)) throw notFound('connected application', clientId)
    const of = accountId === undefined ? { user_id: userId } : { given_by: userId, account_id: accountId }
    const [deleted] = await trx('consents')
      .where({ ...of, client_id: client?.id ?? 0 })
      .delete()
      .returning(['user_id', 'account_id'])
    if (!deleted) throw notFound('connected application', clientId)
    const parties = { userId, accountId: deleted.account_id, clientKey: client.id }
    const revoked = await revokeTokensOfWithdrawn(trx, parties, deleted.user_id !== null)
    await recordAudit(trx, actor, {
      action: 'consent.withdrawn',
      target: { type: 'client', id: clientId },
      accountId: client.account_id,
      detail: { user_id: userId, revoked },
    })
    return revoked
  })
}
