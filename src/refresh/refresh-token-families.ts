import type { Knex } from 'knex'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registrations.ts'
import { hashSecret, secretParts } from '../shared/secrets.ts'
import type { PlannedToken } from '../tokens/issuance.ts'
import { LONGEST_GRACE } from './grace-period.ts'

/** The life of a refresh token whose client sets none: 30 days, in seconds. */
export const DEFAULT_REFRESH_TOKEN_TTL = 2_592_000

/** How a person signed in: what the ID tokens of later redemptions say of it (OpenID Connect Core, section 12.2). */
export interface SignInFacts {
  /** Seconds since 1970. */
  readonly authTime?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  /** The session, for back-channel logout. */
  readonly sid?: string
  /** The `claims` parameter of the request. */
  readonly claims?: Record<string, unknown>
}

/** On whose behalf a refresh token is given, and by which consent. */
export interface UserFamily {
  readonly consentId: string
  readonly signIn: SignInFacts
  /** The thumbprint of the key that must be proven at each redemption. */
  readonly jkt?: string
}

export interface RefreshTokenHashes {
  readonly family: Buffer
  readonly rotation: Buffer
  readonly familyPart: string
}

export function hashesOf(token: string): RefreshTokenHashes | undefined {
  const parts = secretParts('refreshToken', token)
  return parts && { family: hashSecret(parts[0]!), rotation: hashSecret(parts[1]!), familyPart: parts[0]! }
}

/**
 * When a refresh token that is given out now ends: after its life, and not beyond the greatest age of its family. As SQL
 * with its values; `since` is the column that tells when the family began.
 */
export function expirySql({ refreshTokenTtl, refreshTokenMaxAge }: Registration, since = 'now()'): [string, number[]] {
  const ttl = refreshTokenTtl ?? DEFAULT_REFRESH_TOKEN_TTL
  if (refreshTokenMaxAge === null) return ['now() + make_interval(secs => ?)', [ttl]]
  return [`least(now() + make_interval(secs => ?), ${since} + make_interval(secs => ?))`, [ttl, refreshTokenMaxAge]]
}

/** Whole seconds until then, by the database's clock. */
export const SECONDS_LEFT = 'ceil(extract(epoch FROM expires_at - now()))::int AS seconds_left'

/** Begins a family beside the access token that was just recorded; answers its seconds. */
export async function insertFamily(
  trx: Knex,
  client: AuthenticatedClient,
  planned: PlannedToken,
  refreshToken: string,
  person?: UserFamily,
): Promise<number> {
  const hashes = hashesOf(refreshToken)!
  const row = {
    grant_id: planned.record.grantId,
    family_hash: hashes.family,
    current_hash: hashes.rotation,
    client_id: client.registration.key,
    secret_id: client.authentication?.secretId ?? null,
    api_id: planned.api.id,
    revocation_epoch: client.registration.revocationEpoch,
    subject: planned.record.subject,
    scope: planned.record.scope,
    consent_id: person?.consentId ?? null,
    sign_in: person ? JSON.stringify(person.signIn) : null,
    binding: person?.jkt ? JSON.stringify({ jkt: person.jkt }) : null,
    expires_at: trx.raw(...expirySql(client.registration)),
  }
  const [made] = await trx('refresh_tokens').insert(row).returning<{ seconds_left: number }[]>(trx.raw(SECONDS_LEFT))
  return made!.seconds_left
}

/** Ends a refresh token and every access token that came of it. */
export async function revokeGrant(trx: Knex, grantId: string): Promise<number> {
  await trx('refresh_tokens').where({ grant_id: grantId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
  return await trx('access_tokens')
    .where({ grant_id: grantId })
    .whereNull('revoked_at')
    .update({ revoked_at: trx.fn.now() })
}

/** Wipes answers whose grace has passed, and deletes refresh tokens that have expired or were revoked a day ago; answers how many of whichever were more. */
export async function deleteExpiredRefreshTokens(db: Knex, limit: number): Promise<number> {
  const wiped = await db.raw(
    `UPDATE refresh_tokens SET response = NULL WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE response IS NOT NULL AND rotated_at < now() - make_interval(secs => ?) LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [LONGEST_GRACE + 60, limit],
  )
  const deleted = await db.raw(
    `DELETE FROM refresh_tokens WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE expires_at < now() OR revoked_at < now() - interval '1 day' LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return Math.max(wiped.rowCount, deleted.rowCount)
}
