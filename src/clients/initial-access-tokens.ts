import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { generateSecret, hashSecret, isWellFormedSecret, lastFour } from '../shared/secrets.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from './registration-attributes.ts'

/** So many initial access tokens of an account work at a time. */
export const MAX_INITIAL_ACCESS_TOKENS = 20

/** The APIs, scopes and grant types that registered clients may have. */
export type InitialAccessTokenValues = ValuesOf<typeof INITIAL_ACCESS_TOKEN_ATTRIBUTES>

/** A token with which clients of an account register themselves (RFC 7591, section 3). */
export interface InitialAccessToken extends InitialAccessTokenValues {
  readonly id: string
  readonly accountId: string
  readonly lastFour: string
  /** The clients that were registered with it. */
  readonly uses: number
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Null: never. */
  readonly lastUsedAt: Date | null
}

interface TokenRow extends AttributeRow {
  id: string
  account_id: string
  last_four: string
  uses: number
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
}

const toToken = (row: TokenRow): InitialAccessToken => ({
  id: row.id,
  accountId: row.account_id,
  lastFour: row.last_four,
  ...fromColumns(INITIAL_ACCESS_TOKEN_ATTRIBUTES, row),
  uses: row.uses,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
})

const tokens = (db: Knex) => db<TokenRow>('initial_access_tokens')

const LISTING = `
  SELECT t.*, i.dynamic_registration <> 'off' AS is_enabled
    FROM instance_settings i
    LEFT JOIN initial_access_tokens t ON t.account_id = ? AND t.expires_at > now()
   ORDER BY t.created_at DESC, t.id DESC`

/** The initial access tokens of an account. */
export interface InitialAccessTokens {
  /** Those that have not expired, the newest first; also those that were used up. */
  readonly tokens: readonly InitialAccessToken[]
  /** Whether the operator lets clients register with such tokens. */
  readonly isEnabled: boolean
}

/** In one statement: a page of the console has few. */
export async function listInitialAccessTokensOf(db: Knex, accountId: string): Promise<InitialAccessTokens> {
  const { rows } = await db.raw(LISTING, [accountId])
  const found = rows.filter(({ id }: Partial<TokenRow>) => id)
  return { tokens: found.map(toToken), isEnabled: rows[0].is_enabled }
}

/** @throws KeywrightError `not_found` */
export async function getInitialAccessToken(db: Knex, id: string): Promise<InitialAccessToken> {
  const row = isId(id) ? await tokens(db).where({ id }).first() : undefined
  if (!row) throw notFound('initial access token', id)
  return toToken(row as TokenRow)
}

/**
 * Adds a token to an account, whose lock the caller holds. Returns the text, which is stored as a hash. Tokens that expired or were used up
 * are deleted.
 * @param lifetime in seconds
 * @throws KeywrightError `conflict` (the account has too many)
 */
export async function insertInitialAccessToken(
  trx: Knex,
  accountId: string,
  values: InitialAccessTokenValues,
  lifetime: number,
): Promise<{ token: InitialAccessToken; secret: string }> {
  const own = { account_id: accountId }
  await tokens(trx).where(own).whereRaw('(expires_at <= now() OR uses >= max_uses)').delete()
  const existing = await tokens(trx).where(own).pluck('id')
  if (existing.length >= MAX_INITIAL_ACCESS_TOKENS) {
    const message = `an account has at most ${MAX_INITIAL_ACCESS_TOKENS} initial access tokens; revoke one first`
    throw new KeywrightError('conflict', message)
  }
  const secret = generateSecret('initialAccessToken')
  const [inserted] = await trx('initial_access_tokens')
    .insert({
      id: newId(),
      ...own,
      ...toColumns(INITIAL_ACCESS_TOKEN_ATTRIBUTES, values),
      hash: hashSecret(secret),
      last_four: lastFour(secret),
      expires_at: trx.raw('now() + make_interval(secs => ?)', [lifetime]),
    })
    .returning<TokenRow[]>('*')
  return { token: toToken(inserted!), secret }
}

/** Undefined: another request has deleted it. */
export async function deleteInitialAccessToken(trx: Knex, id: string): Promise<InitialAccessToken | undefined> {
  const [row] = await trx('initial_access_tokens').where({ id }).delete().returning<TokenRow[]>('*')
  return row && toToken(row)
}

/** The token with this text, which may be used up. Undefined: unknown, expired or revoked. */
export async function findInitialAccessToken(db: Knex, secret: string): Promise<InitialAccessToken | undefined> {
  if (!isWellFormedSecret('initialAccessToken', secret)) return undefined
  const row = await tokens(db)
    .where({ hash: hashSecret(secret) } as never)
    .whereRaw('expires_at > now()')
    .first()
  return row && toToken(row as TokenRow)
}

/** Counts a registration. False: the token expired, was revoked or used up meanwhile. The row stays locked until the transaction ends. */
export async function useInitialAccessToken(trx: Knex, id: string): Promise<boolean> {
  const { rowCount } = await trx.raw(
    `UPDATE initial_access_tokens SET uses = uses + 1, last_used_at = now()
      WHERE id = ? AND expires_at > clock_timestamp() AND uses < max_uses`,
    [id],
  )
  return rowCount === 1
}

/** Deletes at most `limit` tokens that expired a day ago. */
export async function deleteExpiredInitialAccessTokens(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM initial_access_tokens WHERE id IN (
       SELECT id FROM initial_access_tokens WHERE expires_at < now() - interval '1 day' LIMIT ?)`,
    [limit],
  )
  return rowCount
}

export const initialAccessTokenEntry = (action: string, token: InitialAccessToken): AuditEntry => ({
  action,
  target: { type: 'initial_access_token', id: token.id },
  accountId: token.accountId,
  detail: {
    last_four: token.lastFour,
    grants: token.grants,
    apis: token.apis,
    scopes: token.scopes,
    max_uses: token.maxUses,
    expires_at: token.expiresAt.toISOString(),
  },
})
