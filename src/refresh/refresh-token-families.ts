import type { Knex } from 'knex'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registration.ts'
import { hashSecret, secretParts } from '../shared/secrets.ts'
import type { IssuedToken } from '../tokens/issuance.ts'
import type { PlannedToken } from '../tokens/planned-token.ts'
import { lockTokensExclusive } from '../tokens/token-locks.ts'
import { LONGEST_GRACE_PERIOD } from './grace-period.ts'

/** Seconds: 30 days. The lifetime of a refresh token when the client's registration sets none. */
export const DEFAULT_REFRESH_TOKEN_TTL = 2_592_000

/** How the user signed in. ID tokens of later redemptions repeat it (OpenID Connect Core, section 12.2). */
export interface SignInFacts {
  /** Seconds since 1970. */
  readonly authTime?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  /** The session id, for back-channel logout. */
  readonly sid?: string
  /** The `claims` parameter of the authorization request. */
  readonly claims?: Record<string, unknown>
}

/** The consent and the sign-in on which a user's refresh tokens are based. */
export interface UserFamily {
  readonly consentId: string
  readonly signIn: SignInFacts
  /** The thumbprint of the DPoP key whose proof each redemption requires (RFC 9449). */
  readonly jkt?: string
}

/**
 * A refresh token has two secret parts. The first stays the same in all tokens of a family, that is, of one grant; the second
 * changes with each rotation.
 */
/** The tokens of a token response. */
export interface IssuedTokens extends IssuedToken {
  readonly refreshToken?: string
  /** Seconds. */
  readonly refreshTokenExpiresIn?: number
}

export interface RefreshTokenHashes {
  readonly family: Buffer
  readonly rotation: Buffer
  /** The first part in clear, from which the next token is made. */
  readonly familyPart: string
}

/** Undefined when the text is no well-formed refresh token. */
export function hashesOf(token: string): RefreshTokenHashes | undefined {
  const parts = secretParts('refreshToken', token)
  return parts && { family: hashSecret(parts[0]!), rotation: hashSecret(parts[1]!), familyPart: parts[0]! }
}

/**
 * The expiry of a refresh token that is issued now, as SQL with its values: its lifetime, limited by the greatest age of its
 * family.
 * @param since the column or expression for the start of the family
 */
export function expirySql({ refreshTokenTtl, refreshTokenMaxAge }: Registration, since = 'now()'): [string, number[]] {
  const ttl = refreshTokenTtl ?? DEFAULT_REFRESH_TOKEN_TTL
  if (refreshTokenMaxAge === null) return ['now() + make_interval(secs => ?)', [ttl]]
  return [`least(now() + make_interval(secs => ?), ${since} + make_interval(secs => ?))`, [ttl, refreshTokenMaxAge]]
}

/** Whole seconds until the refresh token expires, by the database's clock. */
export const SECONDS_LEFT = 'ceil(extract(epoch FROM expires_at - now()))::int AS seconds_left'

/** What each redemption must prove. A public client proves nothing else (RFC 8705, section 4; RFC 9449, section 5). */
function bindingOf({ registration, certificateThumbprint }: AuthenticatedClient, user?: UserFamily): string | null {
  const certificate = registration.isPublic ? certificateThumbprint : undefined
  if (!user?.jkt && !certificate) return null
  return JSON.stringify({ jkt: user?.jkt, 'x5t#S256': certificate })
}

/**
 * Inserts the first refresh token of a grant, whose access token was recorded in the same transaction. Returns the seconds
 * until it expires.
 */
export async function insertFamily(
  trx: Knex,
  client: AuthenticatedClient,
  planned: PlannedToken,
  refreshToken: string,
  user?: UserFamily,
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
    consent_id: user?.consentId ?? null,
    sign_in: user ? JSON.stringify(user.signIn) : null,
    binding: bindingOf(client, user),
    expires_at: trx.raw(...expirySql(client.registration)),
  }
  const [inserted] = await trx('refresh_tokens')
    .insert(row)
    .returning<{ seconds_left: number }[]>(trx.raw(SECONDS_LEFT))
  return inserted!.seconds_left
}

/** Revokes a grant: its refresh token and every access token that was issued from it. Returns the number of access tokens. */
export async function revokeGrant(trx: Knex, grantId: string): Promise<number> {
  await trx('refresh_tokens').where({ grant_id: grantId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
  await lockTokensExclusive(trx, grantId)
  return await trx('access_tokens')
    .where({ grant_id: grantId })
    .whereNull('revoked_at')
    .update({ revoked_at: trx.fn.now() })
}

/**
 * Deletes at most `limit` stored responses whose grace period has passed, and at most `limit` refresh tokens that have expired
 * or were revoked more than a day ago. Returns the greater of the two numbers.
 */
export async function deleteExpiredRefreshTokens(db: Knex, limit: number): Promise<number> {
  const responses = await db.raw(
    `UPDATE refresh_tokens SET response = NULL WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE response IS NOT NULL AND rotated_at < now() - make_interval(secs => ?) LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [LONGEST_GRACE_PERIOD + 60, limit],
  )
  const deleted = await db.raw(
    `DELETE FROM refresh_tokens WHERE grant_id IN (
       SELECT grant_id FROM refresh_tokens
        WHERE expires_at < now() OR revoked_at < now() - interval '1 day' LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return Math.max(responses.rowCount, deleted.rowCount)
}
