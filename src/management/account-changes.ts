import type { Knex } from 'knex'
import { type Account, accountEntry, lockAccount, setAccountApi, setAccountStatus } from '../accounts/accounts.ts'
import { revokeSessionsOfAccount } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { raiseRevocationEpochs } from '../clients/clients.ts'
import { revokeTokensOfSubjects } from '../tokens/revocation.ts'

/**
 * Switches an account off or on. Off ends every token of its clients, and its people's sessions with every token that is
 * held in their name, by whichever account's applications; on again, they must get new ones.
 * @throws KeywrightError `not_found`
 */
export async function changeAccountStatus(
  knex: Knex,
  id: string,
  status: Account['status'],
  actor: Actor,
): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    if (before.status === status) return before
    const account = await setAccountStatus(trx, id, status)
    await revokeSessionsOfAccount(trx, id)
    if (status === 'disabled') await revokeTokensOfSubjects(trx, { account_id: id })
    await raiseRevocationEpochs(trx, 'account_id', id)
    const action = status === 'active' ? 'account.enabled' : 'account.disabled'
    await recordAudit(trx, actor, accountEntry(action, account))
    return account
  })
}

/**
 * Switches the API of one account off or on. Off, none of its clients is known any more and every token of theirs is dead;
 * on again, they must get new ones. Its people may sign in all the while.
 * @throws KeywrightError `not_found`
 */
export async function changeAccountApi(knex: Knex, id: string, enabled: boolean, actor: Actor): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    if (before.apiEnabled === enabled) return before
    const account = await setAccountApi(trx, id, enabled)
    await raiseRevocationEpochs(trx, 'account_id', id)
    const action = enabled ? 'account.api_enabled' : 'account.api_disabled'
    await recordAudit(trx, actor, accountEntry(action, account))
    return account
  })
}
