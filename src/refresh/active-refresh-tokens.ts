import type { Knex } from 'knex'
import { hashesOf, type SignInFacts } from './refresh-token-families.ts'

/** An active refresh token (RFC 7662, section 2.2). */
export interface ActiveRefreshToken {
  readonly grantId: string
  readonly clientId: string
  readonly audience: string
  readonly subject: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

/** A row of the view `active_refresh_tokens`. */
export interface RefreshRow {
  grant_id: string
  current_hash: Buffer
  previous_hash: Buffer | null
  rotated_at: Date | null
  /** Seconds since `rotated_at`. */
  seconds_ago: number | null
  response: Buffer | null
  client_id: number
  client_identifier: string
  audience: string
  subject: string
  scope: string
  consent_id: string | null
  sign_in: SignInFacts | null
  binding: { jkt?: string; 'x5t#S256'?: string } | null
  created_at: Date
  expires_at: Date
}

/** Introspects a refresh token. Undefined when it was rotated or revoked, or has expired. */
export async function findActiveRefreshToken(knex: Knex, token: string): Promise<ActiveRefreshToken | undefined> {
  const hashes = hashesOf(token)
  if (!hashes) return undefined
  const row = await knex<RefreshRow & { family_hash: Buffer }>('active_refresh_tokens')
    .where({ family_hash: hashes.family, current_hash: hashes.rotation })
    .first()
  return (
    row && {
      grantId: row.grant_id,
      clientId: row.client_identifier,
      audience: row.audience,
      subject: row.subject,
      scope: row.scope,
      issuedAt: row.rotated_at ?? row.created_at,
      expiresAt: row.expires_at,
    }
  )
}
