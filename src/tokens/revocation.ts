import type { Knex } from 'knex'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { findUser, untilNow } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { lockClient, raiseRevocationEpochs } from '../clients/clients.ts'
import { isId } from '../shared/ids.ts'
import { countRevoked, type RevokedEpoch } from './active-tokens.ts'
import { lockTokensExclusive } from './token-locks.ts'

/** Revokes one access token (RFC 7009). Returns the number of revoked tokens: 0 when it was not active, else 1. */
export async function revokeToken(knex: Knex, jti: string, actor: Actor): Promise<number> {
  if (!isId(jti)) return 0
  return await knex.transaction(async (trx) => {
    const token = await trx('active_access_tokens').where({ jti }).first()
    if (!token) return 0
    await lockTokensExclusive(trx, jti)
    const revoked = await trx('access_tokens')
      .where({ jti, expires_at: token.expires_at })
      .whereNull('revoked_at')
      .update({ revoked_at: trx.fn.now() })
    // A concurrent request has revoked it and recorded the audit event.
    if (revoked === 0) return 0
    await recordAudit(trx, actor, {
      action: 'token.revoked',
      target: { type: 'token', id: jti },
      accountId: token.account_id,
      detail: { client_id: token.client_id, audience: token.audience },
    })
    return 1
  })
}

/**
 * Revokes every access token and refresh token of a client. The client can get new ones. Returns the number of revoked access
 * tokens; null when counting them takes too long.
 */
export async function revokeTokensOfClient(knex: Knex, clientId: string, actor: Actor): Promise<number | null> {
  const revoked = await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await recordAudit(trx, actor, {
      action: 'client.tokens_revoked',
      target: { type: 'client', id: clientId },
      accountId: client.accountId,
    })
    return await raiseRevocationEpochs(trx, 'id', client.key)
  })
  return await countRevoked(knex, revoked)
}

/** For whom applications hold tokens: a user, all users of an account, or a user for one of their accounts. */
export type TokenHolder = { readonly userId: string; readonly accountId?: string } | { readonly accountId: string }

/** The tokens of a holder. Both tables have a partial index on `subject <> ''`, which PostgreSQL uses only where that is stated. */
function tokensOfUsers(trx: Knex, table: string, holder: TokenHolder): Knex.QueryBuilder {
  const tokens = trx(table).whereNot('subject', '')
  if ('userId' in holder) return tokens.where('subject', holder.userId)
  const members = trx('memberships').where({ account_id: holder.accountId }).select(trx.raw('user_id::text'))
  return tokens.whereIn('subject', members)
}

/** What acts for the account: by its column or consent, or, where it has none, because the account is the first of the user. */
function limitToAccount(trx: Knex, tokens: Knex.QueryBuilder, table: string, holder: TokenHolder): void {
  const { accountId } = holder
  if (accountId === undefined) return
  const firstHere = trx('users').where({ account_id: accountId }).select(trx.raw('id::text'))
  if ('userId' in holder) firstHere.where({ id: holder.userId })
  const consents = trx('consents').whereRaw('consents.id = refresh_tokens.consent_id')
  tokens.where((one) => {
    if (table === 'access_tokens') {
      one.where('user_account_id', accountId)
      one.orWhere((other) => void other.whereNull('user_account_id').whereIn('subject', firstHere))
    } else {
      one.whereExists(consents.clone().where({ account_id: accountId }))
      one.orWhere((other) => void other.whereNotExists(consents.clone()).whereIn('subject', firstHere))
    }
  })
}

/**
 * Revokes the refresh tokens and access tokens that applications hold for a user, an account or both. Returns the number of revoked
 * access tokens. Locks refresh tokens, then access tokens, and the caller locks clients afterwards: a redemption locks in that order.
 */
export async function revokeTokensOfHolder(trx: Knex, holder: TokenHolder): Promise<number> {
  const of = (table: string) =>
    tokensOfUsers(trx, table, holder).modify((tokens) => limitToAccount(trx, tokens, table, holder))
  await of('refresh_tokens').whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
  const active = tokensOfUsers(trx, 'active_access_tokens', holder).select('jti')
  return await of('access_tokens').whereIn('jti', active).update({ revoked_at: trx.fn.now() })
}

/** The tokens that were revoked for a user. */
export interface RevokedUserTokens {
  /** The number of revoked access tokens that applications held for the user. */
  readonly delegated: number
  /** The revoked tokens of the user's own key pairs; `countRevoked` counts them. */
  readonly epochs: RevokedEpoch[]
}

/** Revokes the tokens that applications hold for a user, and the tokens of the user's own key pairs. */
export async function revokeUserTokens(trx: Knex, userId: string): Promise<RevokedUserTokens> {
  const delegated = await revokeTokensOfHolder(trx, { userId })
  return { delegated, epochs: await raiseRevocationEpochs(trx, 'user_id', userId) }
}

/**
 * Revokes every access token and refresh token of a user: those of their key pairs, and those that applications hold for them.
 * Ends the user's sessions too. Returns the number of revoked access tokens; null when counting them takes too long.
 */
export async function revokeTokensOfUser(knex: Knex, idOrEmail: string, actor: Actor): Promise<number | null> {
  const { epochs, delegated } = await knex.transaction(async (trx) => {
    const user = await findUser(trx, idOrEmail)
    await lockUserExclusive(trx, user.id)
    // A transaction that issues tokens for the user holds this row shared: its tokens are committed and revoked below.
    // `sessions_valid_from` also invalidates authorization codes and sessions, from which new tokens could come.
    await trx('users').where({ id: user.id }).update(untilNow(trx))
    await recordAudit(trx, actor, {
      action: 'user.tokens_revoked',
      target: { type: 'user', id: user.id },
      accountId: user.accountId,
    })
    return await revokeUserTokens(trx, user.id)
  })
  const own = await countRevoked(knex, epochs)
  return own === null ? null : own + delegated
}
