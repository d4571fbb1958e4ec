import { setTimeout as sleep } from 'node:timers/promises'
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

/** A former revocation epoch of a client. All tokens of that epoch are revoked. */
export interface RevokedEpoch {
  readonly clientKey: number
  readonly revocationEpoch: number
}

/** In milliseconds. A caller waits no longer for a count, because its answer may hold a secret that is shown once. */
const COUNTED_WITHIN = 3000

async function count(db: Knex, epochs: readonly RevokedEpoch[]): Promise<number> {
  let ended = 0
  for (const { clientKey, revocationEpoch } of epochs) {
    const [row] = await db('unexpired_access_tokens')
      .where({ client_id: clientKey, revocation_epoch: revocationEpoch })
      .count('* AS tokens')
    ended += Number(row!.tokens)
  }
  return ended
}

/**
 * How many live tokens the end of these epochs has ended. Called after the end is committed: counting millions takes a
 * while, in which nobody should have to wait for the client. Null when the count takes too long or fails: the change is
 * committed, so its response must not be lost.
 */
export async function countRevoked(db: Knex, epochs: readonly RevokedEpoch[]): Promise<number | null> {
  const late = new AbortController()
  const timeout = sleep(COUNTED_WITHIN, null, { signal: late.signal }).catch(() => null)
  const counted = count(db, epochs).catch(() => null)
  return await Promise.race([counted, timeout]).finally(() => late.abort())
}
