import type { Knex } from 'knex'
import { lockAccount, setAccountStatus } from '../accounts/accounts.ts'
import { endSessionsOfAccount } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { endTokensOfClients } from '../clients/clients.ts'
import { endTokensInNameOf } from './revocation.ts'

/**
 * Switches an account off or on. Off ends every token of its clients, and its people's sessions with every token that is
 * held in their name, by whichever account's applications; on again, they must get new ones.
 */
export async function changeAccountStatus(knex: Knex, id: string, status: 'active' | 'disabled', actor: Actor) {
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    if (before.status === status) return before
    const account = await setAccountStatus(trx, id, status)
    await endSessionsOfAccount(trx, id)
    if (status === 'disabled') await endTokensInNameOf(trx, { account_id: id })
    await endTokensOfClients(trx, 'account_id', id)
    await recordAudit(trx, actor, {
      action: status === 'active' ? 'account.enabled' : 'account.disabled',
      target: { type: 'account', id },
      accountId: id,
    })
    return account
  })
}
