import type { Knex } from 'knex'
import { IDENTITY_SCOPES, resolveScope } from '../apis/scopes.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { lockConsentShared } from '../consents/consents.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { generateSecret } from '../shared/secrets.ts'
import { insertInTransaction } from '../tokens/insert-in-transaction.ts'
import {
  type IssuedToken,
  type Issuer,
  retryOnStaleClient,
  type TokenRequest,
  undefinedIfStale,
} from '../tokens/issuance.ts'
import { type ActiveRefreshToken, findActiveRefreshToken, type RefreshRow } from './active-refresh-tokens.ts'
import { isWithinGrace } from './grace-period.ts'
import {
  expirySql,
  hashesOf,
  insertFamily,
  type RefreshTokenHashes,
  revokeGrant,
  SECONDS_LEFT,
  type SignInFacts,
} from './refresh-token-families.ts'
import { openResponse, sealResponse } from './refresh-token-responses.ts'

export interface IssuedTokens extends IssuedToken {
  readonly refreshToken: string
  /** Seconds. */
  readonly refreshTokenExpiresIn: number
}

/** What a redemption gives; `signIn` where it was in a person's name. */
export interface RedeemedTokens extends IssuedTokens {
  readonly subject: string
  readonly signIn?: SignInFacts
}

/** A refresh token as it is shown for redemption. */
export interface Presented {
  readonly token: string
  /** Absent: all that was granted. */
  readonly scope?: string | undefined
  /** Absent: the API that it is for; it can be for no other. */
  readonly resource?: string | undefined
  /** The thumbprint of a key that was proven with it (RFC 9449). */
  readonly jkt?: string | undefined
}

async function revokeReusedGrant(trx: Knex, { registration }: AuthenticatedClient, row: RefreshRow): Promise<void> {
  const revoked = await revokeGrant(trx, row.grant_id)
  await recordAudit(
    trx,
    { type: 'client', id: registration.clientId },
    {
      action: 'refresh_token.reused',
      target: { type: 'grant', id: row.grant_id },
      accountId: registration.accountId,
      detail: { revoked },
    },
  )
}

const invalidGrant = () => new KeywrightError('invalid_grant', 'the refresh token is invalid, expired or revoked')
const otherApi = () => new KeywrightError('invalid_target', 'the refresh token is for another API')

/** What a redemption asks for: within what the refresh token was given for (RFC 6749, section 6). */
function requestOf(client: AuthenticatedClient, row: RefreshRow, { scope, jkt }: Presented): TokenRequest {
  const granted = resolveScope(scope, row.scope.split(' ')).split(' ')
  const identityScopes = granted.filter((one) => IDENTITY_SCOPES.includes(one))
  const { authTime, acr, amr } = row.sign_in ?? {}
  return {
    client,
    resource: row.audience,
    scope: granted.filter((one) => !identityScopes.includes(one)).join(' '),
    ...(row.subject && { identityScope: identityScopes.join(' ') }),
    subject: row.subject,
    grantId: row.grant_id,
    extra: { ...(row.subject && { auth_time: authTime, acr, amr }), ...(jkt && { cnf: { jkt } }) },
  }
}

export interface RefreshTokens {
  /** An access token with a refresh token beside it, recorded together; for a client in its own name. */
  begin(request: TokenRequest): Promise<IssuedTokens>
  /**
   * Redeems a refresh token, once. Shown again within the grace by its client it is answered the same; later it is
   * taken for stolen, and everything that came of it ends (RFC 9700, section 4.14.2). Where the client's registration
   * says that its refresh tokens stay, the same one is given back with a life of full length.
   * @throws KeywrightError `invalid_grant`, `invalid_scope`, `invalid_target`
   */
  redeem(client: AuthenticatedClient, presented: Presented): Promise<RedeemedTokens>
  find(token: string): Promise<ActiveRefreshToken | undefined>
}

export function createRefreshTokens(knex: Knex, issuer: Issuer): RefreshTokens {
  async function beginOnce(request: TokenRequest): Promise<IssuedTokens> {
    await issuer.follow(request)
    const planned = issuer.plan({ ...request, grantId: newId() })
    const refreshToken = generateSecret('refreshToken')
    return await knex.transaction(async (trx) => {
      await insertInTransaction(trx, planned)
      const refreshTokenExpiresIn = await insertFamily(trx, request.client, planned, refreshToken)
      return { ...(await issuer.sign(planned)), refreshToken, refreshTokenExpiresIn }
    })
  }

  /** The row of a live token of this client, locked: whoever comes second waits, and then sees what the first did. */
  async function lockRow(trx: Knex, client: AuthenticatedClient, family: Buffer): Promise<RefreshRow> {
    const seen = await trx('refresh_tokens AS r')
      .join('apis AS a', 'a.id', 'r.api_id')
      .where({ family_hash: family })
      .first('subject', 'consent_id', 'scope', 'identifier')
    if (seen?.subject) {
      const { subject: userId, consent_id: consentId, identifier: api, scope } = seen
      await lockConsentShared(trx, { userId, consentId, api, scope })
    }
    await trx('refresh_tokens').where({ family_hash: family }).forUpdate().first('grant_id')
    const row: RefreshRow | undefined = await trx('active_refresh_tokens')
      .where({ family_hash: family, client_id: client.registration.key })
      // By the database's clock, which has set rotated_at: a node's own may differ by more than the grace period.
      .first('*', trx.raw('extract(epoch FROM clock_timestamp() - rotated_at)::float8 AS seconds_ago'))
    if (!row) throw invalidGrant()
    return row
  }

  /** The same answer to a retry; undefined when the token must be taken for stolen. */
  async function replay(
    trx: Knex,
    { registration }: AuthenticatedClient,
    row: RefreshRow,
    { token }: Presented,
    presentedHash: Buffer,
  ): Promise<RedeemedTokens | undefined> {
    if (!row.response || !row.rotated_at || !row.previous_hash?.equals(presentedHash)) return undefined
    const retry = { isPublic: registration.isPublic, redeemedAt: row.rotated_at, secondsAgo: row.seconds_ago! }
    return (await isWithinGrace(trx, retry))
      ? openResponse<RedeemedTokens>(token, row.grant_id, row.response)
      : undefined
  }

  async function rotate(
    trx: Knex,
    client: AuthenticatedClient,
    row: RefreshRow,
    presented: Presented,
    hashes: RefreshTokenHashes,
  ): Promise<RedeemedTokens> {
    const { registration } = client
    const planned = issuer.plan(requestOf(client, row, presented))
    await insertInTransaction(trx, planned)
    const rotates = registration.isPublic || registration.refreshTokenRotation
    const refreshToken = rotates ? generateSecret('refreshToken', [hashes.familyPart]) : presented.token
    const [changed] = await trx('refresh_tokens')
      .where({ grant_id: row.grant_id })
      .update({
        current_hash: hashesOf(refreshToken)!.rotation,
        secret_id: client.authentication?.secretId ?? null,
        expires_at: trx.raw(...expirySql(registration, 'created_at')),
      })
      .returning<{ seconds_left: number }[]>(trx.raw(SECONDS_LEFT))
    const answer = {
      ...(await issuer.sign(planned)),
      refreshToken,
      refreshTokenExpiresIn: changed!.seconds_left,
      subject: row.subject,
      ...(row.sign_in && { signIn: row.sign_in }),
    }
    if (rotates) await storeResponse(trx, row, presented.token, hashes, answer)
    return answer
  }

  async function storeResponse(
    trx: Knex,
    row: RefreshRow,
    token: string,
    hashes: RefreshTokenHashes,
    answer: RedeemedTokens,
  ): Promise<void> {
    await trx('refresh_tokens')
      .where({ grant_id: row.grant_id })
      .update({
        previous_hash: hashes.rotation,
        rotated_at: trx.raw('clock_timestamp()'),
        response: sealResponse(token, row.grant_id, answer),
      })
  }

  async function redeemOnce(client: AuthenticatedClient, presented: Presented): Promise<RedeemedTokens> {
    const hashes = hashesOf(presented.token)
    if (!hashes) throw invalidGrant()
    // Before the transaction: asked inside, on a second connection, a full pool would wait for itself.
    await issuer.follow()
    const outcome = await knex.transaction(async (trx) => {
      const row = await lockRow(trx, client, hashes.family)
      if (row.binding && row.binding.jkt !== presented.jkt) throw invalidGrant()
      if ((presented.resource ?? row.audience) !== row.audience) throw otherApi()
      if (row.current_hash.equals(hashes.rotation)) return await rotate(trx, client, row, presented, hashes)
      const same = await replay(trx, client, row, presented, hashes.rotation)
      if (same) return same
      await revokeReusedGrant(trx, client, row)
      return 'reused' as const
    })
    // Thrown out here, because inside it would have taken the revocation back.
    if (outcome === 'reused') throw invalidGrant()
    return outcome
  }

  return {
    begin: (request) =>
      retryOnStaleClient(request.client, (client) => undefinedIfStale(beginOnce({ ...request, client }))),
    redeem: (client, presented) =>
      retryOnStaleClient(client, (fresh) => undefinedIfStale(redeemOnce(fresh, presented))),
    find: (token) => findActiveRefreshToken(knex, token),
  }
}
