import type { Knex } from 'knex'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { findUser } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { lockClient, raiseRevocationEpochs } from '../clients/clients.ts'
import { isId } from '../shared/ids.ts'
import { countRevoked, type RevokedEpoch } from './active-tokens.ts'

/** Ends one access token; answers how many live ones that was, 0 or 1. */
export async function revokeToken(knex: Knex, jti: string, actor: Actor): Promise<number> {
  if (!isId(jti)) return 0
  return await knex.transaction(async (trx) => {
    const token = await trx('active_access_tokens').where({ jti }).first()
    if (!token) return 0
    const ended = await trx('access_tokens')
      .where({ jti, expires_at: token.expires_at })
      .whereNull('revoked_at')
      .update({ revoked_at: trx.fn.now() })
    // Somebody else ended it meanwhile, and wrote it down.
    if (ended === 0) return 0
    await recordAudit(trx, actor, {
      action: 'token.revoked',
      target: { type: 'token', id: jti },
      accountId: token.account_id,
      detail: { client_id: token.client_id, audience: token.audience },
    })
    return 1
  })
}

/** Ends every access and refresh token of a client, which may go on to get new ones. Null: too many to be counted. */
export async function revokeTokensOfClient(knex: Knex, clientId: string, actor: Actor): Promise<number | null> {
  const ended = await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await recordAudit(trx, actor, {
      action: 'client.tokens_revoked',
      target: { type: 'client', id: clientId },
      accountId: client.accountId,
    })
    return await raiseRevocationEpochs(trx, 'id', client.key)
  })
  return await countRevoked(knex, ended)
}

/**
 * Ends what applications of any account hold in the name of these people; answers how many live access tokens that was.
 * Refresh tokens, access tokens, and afterwards clients: the order in which they are locked by who redeems something.
 */
export async function revokeTokensOfSubjects(
  trx: Knex,
  people: { id: string } | { account_id: string },
): Promise<number> {
  const subjects = trx('users').where(people).select(trx.raw('id::text'))
  // The indexes of both tables leave out clients in their own name, and are used only where that is said.
  const held = (table: string) => trx(table).whereNot('subject', '').whereIn('subject', subjects)
  await held('refresh_tokens').whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
  const live = held('active_access_tokens').select('jti')
  return await held('access_tokens').whereIn('jti', live).update({ revoked_at: trx.fn.now() })
}

/** Ends those and the tokens of their own key pair. */
export async function revokeUserTokens(trx: Knex, userId: string): Promise<{ held: number; ended: RevokedEpoch[] }> {
  const held = await revokeTokensOfSubjects(trx, { id: userId })
  return { held, ended: await raiseRevocationEpochs(trx, 'user_id', userId) }
}

/**
 * Ends every token of a person: those of their own key pair, and those that applications hold on their behalf; their
 * sessions too, so they sign in again. Null: too many to be counted.
 */
export async function revokeTokensOfUser(knex: Knex, idOrEmail: string, actor: Actor): Promise<number | null> {
  const { ended, held } = await knex.transaction(async (trx) => {
    const user = await findUser(trx, idOrEmail)
    await lockUserExclusive(trx, user.id)
    // Whoever issues in their name holds their row; what is not finished now is seen by what follows.
    // Codes and sessions end too: what they might yet lead to is as unwanted.
    await trx('users')
      .where({ id: user.id })
      .update({ sessions_valid_from: trx.raw('clock_timestamp()') })
    await recordAudit(trx, actor, {
      action: 'user.tokens_revoked',
      target: { type: 'user', id: user.id },
      accountId: user.accountId,
    })
    return await revokeUserTokens(trx, user.id)
  })
  const own = await countRevoked(knex, ended)
  return own === null ? null : own + held
}
