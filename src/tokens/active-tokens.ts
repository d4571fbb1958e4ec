import type { Knex } from 'knex'
import { isDatabaseBusy } from '../database/unavailable.ts'

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

/** An epoch of a client that has ended: no token joins it any more. */
export interface EndedEpoch {
  readonly clientKey: number
  readonly epoch: number
}

/**
 * How many live tokens the end of these epochs has ended. To be asked after the end was committed: counting millions
 * takes a while, in which nobody should have to wait for the client. Null when it takes too long to be known.
 */
export async function countEnded(db: Knex, epochs: readonly EndedEpoch[]): Promise<number | null> {
  try {
    let ended = 0
    for (const { clientKey, epoch } of epochs) {
      const [row] = await db('unended_access_tokens').where({ client_id: clientKey, epoch }).count('* AS tokens')
      ended += Number(row!.tokens)
    }
    return ended
  } catch (error) {
    if (isDatabaseBusy(error)) return null
    throw error
  }
}
