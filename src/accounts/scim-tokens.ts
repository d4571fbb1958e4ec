import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { generateSecret, hashSecret, isWellFormedSecret, lastFour } from '../shared/secrets.ts'
import type { AccountRole } from './user-attributes.ts'

/** So many SCIM tokens of an account work at a time: one can replace the other. */
export const MAX_SCIM_TOKENS = 2

/** The credential by which the identity provider of an account manages its users. */
export interface ScimToken {
  readonly id: string
  readonly accountId: string
  readonly lastFour: string
  /** The role of users whom the identity provider adds without one. */
  readonly role: AccountRole
  readonly createdAt: Date
  readonly expiresAt: Date
  /** To the minute. Null: never. */
  readonly lastUsedAt: Date | null
}

interface ScimTokenRow {
  id: string
  account_id: string
  last_four: string
  role: AccountRole
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
}

const COLUMNS = ['id', 'account_id', 'last_four', 'role', 'created_at', 'expires_at', 'last_used_at'].map(
  (column) => `t.${column}`,
)

const toScimToken = (row: ScimTokenRow): ScimToken => ({
  id: row.id,
  accountId: row.account_id,
  lastFour: row.last_four,
  role: row.role,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
})

/** Those of an account that have not expired, the newest first. */
export async function listScimTokensOf(db: Knex, accountId: string): Promise<ScimToken[]> {
  const rows = await db('scim_tokens AS t')
    .where('t.account_id', accountId)
    .whereRaw('t.expires_at > now()')
    .orderBy([
      { column: 't.created_at', order: 'desc' },
      { column: 't.id', order: 'desc' },
    ])
    .select<ScimTokenRow[]>(COLUMNS)
  return rows.map(toScimToken)
}

/** @throws KeywrightError `not_found` */
export async function getScimToken(db: Knex, id: string): Promise<ScimToken> {
  const row: ScimTokenRow | undefined = isId(id)
    ? await db('scim_tokens AS t').where('t.id', id).first(COLUMNS)
    : undefined
  if (!row) throw notFound('SCIM token', id)
  return toScimToken(row)
}

/**
 * Adds a token and deletes the expired ones of the account, whose lock the caller holds. Returns the text, which is stored as a hash.
 * @param lifetime in seconds
 * @throws KeywrightError `conflict` (the account has two)
 */
export async function insertScimToken(
  trx: Knex,
  accountId: string,
  { role, lifetime }: { readonly role: AccountRole; readonly lifetime: number },
): Promise<{ token: ScimToken; secret: string }> {
  await trx('scim_tokens').where({ account_id: accountId }).whereRaw('expires_at <= now()').delete()
  const existing: string[] = await trx('scim_tokens').where({ account_id: accountId }).pluck('id')
  if (existing.length >= MAX_SCIM_TOKENS)
    throw new KeywrightError('conflict', `an account has at most ${MAX_SCIM_TOKENS} SCIM tokens; revoke one first`)
  const secret = generateSecret('scimToken')
  const row = { id: newId(), account_id: accountId, role, hash: hashSecret(secret), last_four: lastFour(secret) }
  const expiry = trx.raw('now() + make_interval(secs => ?)', [lifetime])
  const [inserted] = await trx('scim_tokens AS t')
    .insert({ ...row, expires_at: expiry })
    .returning<ScimTokenRow[]>(COLUMNS)
  return { token: toScimToken(inserted!), secret }
}

/** Undefined: another request has deleted it. */
export async function deleteScimToken(trx: Knex, id: string): Promise<ScimToken | undefined> {
  const [row] = await trx('scim_tokens AS t').where({ id }).delete().returning<ScimTokenRow[]>(COLUMNS)
  return row && toScimToken(row)
}

const AUTHENTICATE = `
  WITH found AS (
    SELECT t.* FROM scim_tokens t JOIN accounts a ON a.id = t.account_id
     WHERE t.hash = :hash AND t.expires_at > now() AND a.status = 'active'
  ), used AS (
    UPDATE scim_tokens u SET last_used_at = now() FROM found
     WHERE u.id = found.id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
  )
  SELECT ${COLUMNS.join(', ')} FROM found t`

/** The token with this text. Undefined: unknown, expired or revoked, or its account is disabled. */
export async function authenticateScimToken(db: Knex, secret: string): Promise<ScimToken | undefined> {
  if (!isWellFormedSecret('scimToken', secret)) return undefined
  const { rows } = await db.raw(AUTHENTICATE, { hash: hashSecret(secret) })
  const row: ScimTokenRow | undefined = rows[0]
  return row && toScimToken(row)
}

export const scimTokenEntry = (action: string, token: ScimToken): AuditEntry => ({
  action,
  target: { type: 'scim_token', id: token.id },
  accountId: token.accountId,
  detail: { last_four: token.lastFour, role: token.role, expires_at: token.expiresAt.toISOString() },
})
