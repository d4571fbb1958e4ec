import type { Knex } from 'knex'
import type { LockedUser } from '../accounts/user-locks.ts'
import { IDENTITY_SCOPES, resolveScope } from '../apis/scopes.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { generateSecret } from '../shared/secrets.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { Issuer } from '../tokens/issuance.ts'
import type { TokenRequest } from '../tokens/planned-token.ts'
import type { RefreshRow } from './active-refresh-tokens.ts'
import { isWithinGracePeriod } from './grace-period.ts'
import {
  expirySql,
  hashesOf,
  type IssuedTokens,
  type RefreshTokenHashes,
  revokeGrant,
  SECONDS_LEFT,
  type SignInFacts,
} from './refresh-token-families.ts'
import { openResponse, sealResponse } from './refresh-token-responses.ts'

/** The tokens that a refresh token was redeemed for. `signIn` is present when the grant acts for a user. */
export interface RedeemedTokens extends Required<IssuedTokens> {
  readonly subject: string
  readonly signIn?: SignInFacts
}

/** A refresh request (RFC 6749, section 6). */
export interface PresentedRefreshToken {
  readonly token: string
  /** Space-separated. Absent: the scope of the grant. */
  readonly scope?: string | undefined
  /** Absent: the grant's API. Another API is refused. */
  readonly resource?: string | undefined
  /** The thumbprint of the key whose DPoP proof was verified (RFC 9449). */
  readonly jkt?: string | undefined
}

/** A presented refresh token with its grant, whose row is locked. */
export interface Redemption {
  readonly client: AuthenticatedClient
  readonly presented: PresentedRefreshToken
  readonly hashes: RefreshTokenHashes
  readonly row: RefreshRow
  /** Null: the client acts for itself. */
  readonly user: LockedUser | null
}

/** The access token that a redemption requests: at most the scope of the grant (RFC 6749, section 6). */
function accessTokenRequest({ client, row, user, presented }: Redemption): TokenRequest {
  const scopes = resolveScope(presented.scope, row.scope.split(' ')).split(' ')
  const identityScopes = scopes.filter((scope) => IDENTITY_SCOPES.includes(scope))
  const { authTime, acr, amr } = row.sign_in ?? {}
  const { jkt } = presented
  return {
    client,
    resource: row.audience,
    scope: scopes.filter((scope) => !identityScopes.includes(scope)).join(' '),
    ...(row.subject && { identityScope: identityScopes.join(' ') }),
    subject: row.subject,
    accountId: user?.accountId ?? null,
    metadata: user?.metadata ?? null,
    grantId: row.grant_id,
    extra: { ...(row.subject && { auth_time: authTime, acr, amr }), ...(jkt && { cnf: { jkt } }) },
  }
}

/** Makes `refreshToken` the grant's current one. Returns the seconds until it expires. */
async function saveCurrentToken(trx: Knex, { client, row }: Redemption, refreshToken: string): Promise<number> {
  const [updated] = await trx('refresh_tokens')
    .where({ grant_id: row.grant_id })
    .update({
      current_hash: hashesOf(refreshToken)!.rotation,
      secret_id: client.authentication?.secretId ?? null,
      expires_at: trx.raw(...expirySql(client.registration, 'created_at')),
    })
    .returning<{ seconds_left: number }[]>(trx.raw(SECONDS_LEFT))
  return updated!.seconds_left
}

/** Stores the response, encrypted, for a retry within the grace period. */
async function storeResponse(trx: Knex, { row, presented, hashes }: Redemption, response: RedeemedTokens) {
  await trx('refresh_tokens')
    .where({ grant_id: row.grant_id })
    .update({
      previous_hash: hashes.rotation,
      rotated_at: trx.raw('clock_timestamp()'),
      response: sealResponse(presented.token, row.grant_id, response),
    })
}

/**
 * Refresh token rotation (RFC 9700, section 4.14.2): issues an access token, and replaces the presented refresh token by a new
 * one of the same grant. A confidential client whose registration disables rotation keeps its refresh token, with a new
 * lifetime. Undefined when the client is stale; then the transaction must be rolled back.
 * @throws KeywrightError `invalid_scope`
 */
export async function rotateRefreshToken(
  trx: Knex,
  issuer: Issuer,
  redemption: Redemption,
): Promise<RedeemedTokens | undefined> {
  const { client, row, presented, hashes } = redemption
  const planned = await planInTransaction(trx, issuer, accessTokenRequest(redemption))
  if (!planned) return undefined
  const rotates = client.registration.isPublic || client.registration.refreshTokenRotation
  const refreshToken = rotates ? generateSecret('refreshToken', [hashes.familyPart]) : presented.token
  const refreshTokenExpiresIn = await saveCurrentToken(trx, redemption, refreshToken)
  const response = {
    ...(await issuer.sign(planned)),
    refreshToken,
    refreshTokenExpiresIn,
    subject: row.subject,
    ...(row.sign_in && { signIn: row.sign_in }),
  }
  if (rotates) await storeResponse(trx, redemption, response)
  // Not stored: a retry uses no quota.
  return { ...response, quota: planned.quota }
}

/**
 * The stored response, when the presented token is the last one that was redeemed and the grace period has not passed: the
 * client retries because it lost the response. Undefined: the refresh token is reused, and must be taken for stolen.
 */
export async function responseInGracePeriod(
  trx: Knex,
  { client, row, presented, hashes }: Redemption,
): Promise<RedeemedTokens | undefined> {
  if (!row.response || !row.rotated_at || !row.previous_hash?.equals(hashes.rotation)) return undefined
  const { isPublic } = client.registration
  const retry = { isPublic, redeemedAt: row.rotated_at, secondsAgo: row.seconds_ago! }
  if (!(await isWithinGracePeriod(trx, retry))) return undefined
  return openResponse<RedeemedTokens>(presented.token, row.grant_id, row.response)
}

/** Revokes the grant of a reused refresh token, with its access tokens (RFC 9700, section 4.14.2). */
export async function revokeReusedGrant(trx: Knex, { client, row }: Redemption): Promise<void> {
  const { clientId, accountId } = client.registration
  const revoked = await revokeGrant(trx, row.grant_id)
  await recordAudit(
    trx,
    { type: 'client', id: clientId },
    {
      action: 'refresh_token.reused',
      target: { type: 'grant', id: row.grant_id },
      accountId,
      detail: { revoked },
    },
  )
}
