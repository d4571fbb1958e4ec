import type { Knex } from 'knex'
import { type Account, accountEntry, lockAccount, setAccountApi, setAccountStatus } from '../accounts/accounts.ts'
import { revokeSessionsOfAccount } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { raiseRevocationEpochs } from '../clients/clients.ts'
import { revokeTokensOfSubjects } from '../tokens/revocation.ts'

/**
 * Enables or disables an account. Disabling revokes all tokens of its clients, the sessions of its users, and all tokens
 * that applications of any account hold for its users. Enabling brings none of them back.
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
 * Enables or disables the API of an account. While it is disabled, its clients cannot authenticate. Both changes revoke all tokens
 * of its clients. The account's users can always sign in.
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
