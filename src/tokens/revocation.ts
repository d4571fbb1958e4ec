import type { Knex } from 'knex'
import { findUser } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { endTokensOfClients, lockClient } from '../clients/clients.ts'
import { isId } from '../shared/ids.ts'
import { countEnded } from './active-tokens.ts'
import { revokeGrant } from './refresh-families.ts'

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
    return await endTokensOfClients(trx, 'id', client.key)
  })
  return await countEnded(knex, ended)
}

/**
 * Ends every token of a person: those of their own key pair, and those that applications hold on their behalf. Null: too
 * many to be counted.
 */
export async function revokeTokensOfUser(knex: Knex, idOrEmail: string, actor: Actor): Promise<number | null> {
  const { ended, held } = await knex.transaction(async (trx) => {
    const user = await findUser(trx, idOrEmail)
    // Refresh tokens before clients, the order in which they are locked by who redeems one.
    await trx('refresh_tokens').where({ subject: user.id }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    const live = trx('active_access_tokens').where({ subject: user.id }).select('jti')
    const held = await trx('access_tokens')
      .where({ subject: user.id })
      .whereIn('jti', live)
      .update({ revoked_at: trx.fn.now() })
    await recordAudit(trx, actor, {
      action: 'user.tokens_revoked',
      target: { type: 'user', id: user.id },
      accountId: user.accountId,
    })
    return { held, ended: await endTokensOfClients(trx, 'user_id', user.id) }
  })
  const own = await countEnded(knex, ended)
  return own === null ? null : own + held
}

/** Ends a refresh token and what came of it, at the wish of its own client (RFC 7009, section 2.1). */
export async function revokeRefreshToken(knex: Knex, grantId: string, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    const revoked = await revokeGrant(trx, grantId)
    await recordAudit(trx, actor, {
      action: 'refresh_token.revoked',
      target: { type: 'grant', id: grantId },
      detail: { revoked },
    })
  })
}
