import type { Knex } from 'knex'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import { isId, newId } from '../shared/ids.ts'

/** Who somebody is at an identity provider. */
export interface UserIdentity {
  readonly id: string
  readonly providerId: string
  readonly providerName: string
  /** Null: a provider of the instance. */
  readonly providerAccountId: string | null
  /** The claim `sub`. */
  readonly subject: string
  /** What the provider called the user at the last sign-in: an address or a user name. Null: nothing that can be shown. */
  readonly username: string | null
  readonly createdAt: Date
  /** Null: never. */
  readonly lastUsedAt: Date | null
}

export interface UserIdentityRow {
  id: string
  provider_id: string
  provider_name: string
  provider_account_id: string | null
  subject: string
  username: string | null
  created_at: Date
  last_used_at: Date | null
}

export const toUserIdentity = (row: UserIdentityRow): UserIdentity => ({
  id: row.id,
  providerId: row.provider_id,
  providerName: row.provider_name,
  providerAccountId: row.provider_account_id,
  subject: row.subject,
  username: row.username,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
})

/** Whose identity it is. */
export interface KnownIdentity {
  readonly id: string
  readonly userId: string
  /** Its user connected it, signed in with their own credentials. */
  readonly isConfirmed: boolean
}

/** The identity of a subject of a provider. Undefined: nobody has it. */
export async function findIdentity(db: Knex, providerId: string, subject: string): Promise<KnownIdentity | undefined> {
  const row = await db('user_identities')
    .where({ provider_id: providerId, subject })
    .first('id', 'user_id', 'confirmed')
  return row && { id: row.id, userId: row.user_id, isConfirmed: row.confirmed }
}

export interface NewIdentity extends Pick<UserIdentity, 'providerId' | 'subject'> {
  readonly username?: string | undefined
  readonly userId: string
  /** As in `KnownIdentity`. */
  readonly isConfirmed?: boolean
}

/** Undefined: the subject has a user meanwhile. */
export async function insertIdentity(trx: Knex, identity: NewIdentity): Promise<string | undefined> {
  const { providerId, subject, username, userId, isConfirmed = false } = identity
  const row = {
    id: newId(),
    provider_id: providerId,
    subject,
    username: username ?? null,
    user_id: userId,
    confirmed: isConfirmed,
  }
  const [inserted] = await trx('user_identities')
    .insert(row)
    .onConflict(['provider_id', 'subject'])
    .ignore()
    .returning<{ id: string }[]>('id')
  return inserted?.id
}

/**
 * Returns the number with which a session begins (`SessionIdentity.identityEpoch`).
 * @param username as in `UserIdentity`; undefined: the present one stays
 */
export async function recordIdentityUse(trx: Knex, id: string, username?: string): Promise<number | undefined> {
  const [row] = await trx('user_identities')
    .where({ id })
    .update({ last_used_at: trx.fn.now(), ...(username !== undefined && { username }) })
    .returning<{ revocation_epoch: number }[]>('revocation_epoch')
  return row?.revocation_epoch
}

/** An identity by which a token is issued. */
export interface AssertedIdentity {
  readonly id: string
  readonly userId: string
  /** Seconds since 1970: when the provider announced a sign-out last; null: never. */
  readonly signedOutAt: number | null
}

/** The identity of a subject, also used by an assertion. Its user is locked by the caller, or not yet known. */
export async function findAssertedIdentity(
  db: Knex,
  providerId: string,
  subject: string,
): Promise<AssertedIdentity | undefined> {
  const row = await db('user_identities')
    .where({ provider_id: providerId, subject })
    .first('id', 'user_id', db.raw('extract(epoch FROM signed_out_at)::float8 AS signed_out_at'))
  return row && { id: row.id, userId: row.user_id, signedOutAt: row.signed_out_at }
}

/** At most once a minute, so that the tokens of a user do not wait for each other. */
export async function recordAssertionUse(trx: Knex, id: string): Promise<void> {
  await trx('user_identities')
    .where({ id })
    .whereRaw(`(last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`)
    .update({ last_used_at: trx.fn.now() })
}

/**
 * Records that the provider announced a sign-out: a trigger revokes the tokens that its assertions obtained, and earlier assertions
 * obtain no more.
 */
export async function endAssertedTokens(trx: Knex, ids: readonly string[]): Promise<void> {
  await trx('user_identities')
    .whereIn('id', ids)
    .update({ signed_out_at: trx.raw('clock_timestamp()') })
}

/**
 * Whether the identity of a session still exists, nobody has disabled its provider since the session began, the user has not signed out
 * at the provider, and an operator may sign in through it.
 */
export async function isIdentityCurrent(
  db: Knex,
  { id, revocationEpoch, identityEpoch = 1, session }: SessionIdentity,
): Promise<boolean> {
  const query = db('user_identities AS i')
    .join('identity_providers AS p', 'p.id', 'i.provider_id')
    .where({ 'i.id': id, 'p.status': 'enabled', 'p.revocation_epoch': revocationEpoch })
    .join('users AS u', 'u.id', 'i.user_id')
    .where({ 'i.revocation_epoch': identityEpoch })
    .whereRaw(`(u.role <> 'operator' OR (p.operators AND i.confirmed))`)
  if (session !== undefined) {
    const ended = db('ended_upstream_sessions').where({ session_hash: Buffer.from(session, 'base64url') })
    query.whereNotExists(ended.select('session_hash'))
  }
  return (await query.first('i.id')) !== undefined
}

const MAX_LISTED = 100

/** The identities of a user, the oldest first. */
export async function listIdentities(db: Knex, userId: string): Promise<UserIdentity[]> {
  const rows = await db('user_identities AS i')
    .join('identity_providers AS p', 'p.id', 'i.provider_id')
    .where('i.user_id', userId)
    .orderBy(['i.created_at', 'i.id'])
    .limit(MAX_LISTED)
    .select<UserIdentityRow[]>('i.*', 'p.name AS provider_name', 'p.account_id AS provider_account_id')
  return rows.map(toUserIdentity)
}

/** Differs when an identity has been added to those of a user, or removed, however many there are. */
export async function digestOfIdentities(db: Knex, userId: string): Promise<string> {
  const ids = db.raw(`coalesce(md5(string_agg(id::text, ' ' ORDER BY id)), '') AS digest`)
  return (await db('user_identities').where({ user_id: userId }).first<{ digest: string }>(ids)).digest
}

/** Removes an identity of a user, which ends the sessions that began with it. False: the user has none with this ID. */
export async function deleteIdentity(
  trx: Knex,
  { userId, identityId }: { readonly userId: string; readonly identityId: string },
): Promise<{ providerId: string } | undefined> {
  if (!isId(identityId)) return undefined
  const [row] = await trx('user_identities')
    .where({ id: identityId, user_id: userId })
    .delete()
    .returning<{ provider_id: string }[]>('provider_id')
  return row && { providerId: row.provider_id }
}

/** Removes every identity of a user, which ends the sessions that began with them. Returns how many there were. */
export const deleteIdentities = (trx: Knex, userId: string): Promise<number> =>
  trx('user_identities').where({ user_id: userId }).delete()
