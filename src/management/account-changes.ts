import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import type { SettableStatus } from '../accounts/account-attributes.ts'
import {
  type Account,
  type AccountValues,
  accountEntry,
  getAccount,
  lockAccount,
  saveAccount,
  setAccountApi,
  setAccountStatus,
} from '../accounts/accounts.ts'
import { revokeSessionsOfAccount } from '../accounts/user-access.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { raiseRevocationEpochs, touchClientsOfAccount } from '../clients/clients.ts'
import { losesNetwork } from '../shared/allowed-networks.ts'
import { revokeTokensOfHolder } from '../tokens/revocation.ts'
import { NO_FLAGS, narrowInTransaction, revokeExceeding } from './narrowing.ts'

/**
 * Enables or disables an account. Disabling revokes all tokens of its clients, the sessions of its users, and all tokens
 * that applications of any account hold for its users. Enabling brings none of them back.
 * @throws KeywrightError `not_found`
 */
export async function changeAccountStatus(
  knex: Knex,
  id: string,
  status: SettableStatus,
  actor: Actor,
): Promise<Account> {
  return await knex.transaction(async (trx) => {
    const before = await lockAccount(trx, id)
    if (before.status === status) return before
    const account = await setAccountStatus(trx, id, status)
    await revokeSessionsOfAccount(trx, id)
    if (status === 'disabled') await revokeTokensOfHolder(trx, { accountId: id })
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

type Networks = Account['allowedNetworks']

/** Revokes the access tokens of the clients of an account if it loses a network. */
async function revokeForNetworks(
  trx: Knex,
  id: string,
  [before, after]: readonly [Networks, Networks],
  mode: 'wait' | 'nowait',
): Promise<void> {
  if (!losesNetwork(before, after)) return
  await revokeExceeding(trx, { account: id }, { ...NO_FLAGS, remaining: [], accessTokens: true }, mode)
}

/** What the registrations of an account's clients contain of it. */
const registered = ({ allowedNetworks, quotaPerHour, quotaPerDay, quotaMode, metadata }: Account) => ({
  allowedNetworks,
  quotas: [quotaPerHour, quotaPerDay, quotaMode],
  // Always, because an API may declare a claim at the same time.
  metadata,
})

/**
 * Changes the given attributes of an account. If it loses a network from which its clients may request tokens, their access
 * tokens are revoked in the same transaction; refresh tokens stay, because each use of them is checked.
 * @throws KeywrightError `not_found`, `invalid_input`, `stale`
 */
export async function changeAccountValues(
  knex: Knex,
  id: string,
  values: Partial<AccountValues>,
  actor: Actor,
  expected?: number,
): Promise<Account> {
  return await narrowInTransaction(knex, async (trx) => {
    const { allowedNetworks } = values
    if (allowedNetworks !== undefined) {
      await revokeForNetworks(trx, id, [(await getAccount(trx, id)).allowedNetworks, allowedNetworks], 'wait')
    }
    const before = await lockAccount(trx, id)
    const after = await saveAccount(trx, id, values, actor, expected)
    if (isDeepStrictEqual(registered(before), registered(after))) return after
    await touchClientsOfAccount(trx, id)
    await revokeForNetworks(trx, id, [before.allowedNetworks, after.allowedNetworks], 'nowait')
    return after
  })
}
