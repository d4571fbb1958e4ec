import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { revokeGrant } from './refresh-token-families.ts'

/** Revokes a refresh token and the access tokens of its grant (RFC 7009, section 2.1). */
export async function revokeRefreshToken(knex: Knex, grantId: string, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    const owner = await trx('refresh_tokens')
      .join('clients', 'clients.id', 'refresh_tokens.client_id')
      .where('grant_id', grantId)
      .first('clients.client_id', 'clients.account_id')
    const revoked = await revokeGrant(trx, grantId)
    await recordAudit(trx, actor, {
      action: 'refresh_token.revoked',
      target: { type: 'grant', id: grantId },
      accountId: owner?.account_id,
      detail: { client_id: owner?.client_id, revoked },
    })
  })
}
