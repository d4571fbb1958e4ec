import type { Knex } from 'knex'

/** What is told of a live token to those who may revoke it. */
export interface TokenSummary {
  readonly jti: string
  readonly audience: string
  readonly subject: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

interface SummaryRow {
  jti: string
  audience: string
  subject: string
  scope: string
  issued_at: Date
  expires_at: Date
}

/** Newest first; `limit` bounds the answer, not what is live. */
export async function listActiveTokens(db: Knex, clientKey: number, limit = 1000): Promise<TokenSummary[]> {
  const rows = await db<SummaryRow>('active_access_tokens')
    .where('client_key', clientKey)
    .orderBy('issued_at', 'desc')
    .orderBy('jti', 'desc')
    .limit(limit)
  return rows.map((row) => ({
    jti: row.jti,
    audience: row.audience,
    subject: row.subject,
    scope: row.scope,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
  }))
}

export async function countActiveTokens(db: Knex, clientKey: number): Promise<number> {
  const [row] = await db('active_access_tokens').where('client_key', clientKey).count('* AS live')
  return Number(row!.live)
}
