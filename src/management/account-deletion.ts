import type { Knex } from 'knex'
import { accountEntry, findAccountById, markAccountDeleting } from '../accounts/accounts.ts'
import { lockAccountExclusive, lockUserExclusive } from '../accounts/user-locks.ts'
import { findUserById } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { markClientDeleting } from '../clients/client-deletions.ts'
import { lockClientsExclusive } from '../clients/client-locks.ts'
import { type ClientRow, toClient } from '../clients/clients.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { deletedClientEntry, deleteSomeOfClient } from './client-deletion.ts'
import { endMembership } from './membership-end.ts'
import { deleteSomeOfUser, markDeleted } from './user-deletion.ts'

/** Who deletes the users and applications of a deleted account. */
const ACTOR: Actor = { type: 'system', id: 'deletion' }

/** Removes a user from the account. False: they belong to no other one. */
async function removeFrom(trx: Knex, userId: string, accountId: string): Promise<boolean> {
  const member = await findUserById(trx, userId, accountId)
  if (!member) return true
  if (member.status === 'deleting' || !member.hasOtherAccounts) return false
  await endMembership(trx, { userId, accountId }, ACTOR)
  return true
}

/** Deletes a user who belongs to no other account. */
async function deleteMember(knex: Knex, id: string, account: string, limit: number): Promise<void> {
  const isRemoved = await knex.transaction(async (trx) => {
    await lockAccountExclusive(trx, account)
    await lockUserExclusive(trx, id)
    if (await removeFrom(trx, id, account)) return true
    const user = await findUserById(trx, id)
    if (user && user.status !== 'deleting') await markDeleted(trx, user, ACTOR)
    return false
  })
  if (!isRemoved) await deleteSomeOfUser(knex, id, limit)
}

async function deleteApplication(knex: Knex, key: number, limit: number): Promise<void> {
  await knex.transaction(async (trx) => {
    await lockClientsExclusive(trx, 'id', key)
    const row = await trx<ClientRow>('clients').where({ id: key }).whereNot('status', 'deleting').first()
    if (!row) return
    await markClientDeleting(trx, key)
    await recordAudit(trx, ACTOR, deletedClientEntry(toClient(row)))
  })
  await deleteSomeOfClient(knex, key, limit)
}

async function deleteRow(trx: Knex, id: string): Promise<boolean> {
  await lockAccountExclusive(trx, id)
  const { rowCount } = await trx.raw(
    `DELETE FROM accounts a WHERE a.id = ? AND a.status = 'deleting'
        AND NOT EXISTS (SELECT 1 FROM users u WHERE u.account_id = a.id)
        AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = a.id)
        AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.account_id = a.id)`,
    [id],
  )
  return rowCount === 1
}

/** Users and applications of one account that one step deletes. */
const OBJECTS = 20

/**
 * Deletes some users and applications of an account with the status `deleting`, at most `limit` rows of each table at a time;
 * deletes the account when none is left. Returns whether the account is deleted.
 */
export async function deleteSomeOfAccount(knex: Knex, id: string, limit: number): Promise<boolean> {
  const members = knex('memberships').where({ account_id: id }).orderBy('user_id').limit(OBJECTS)
  for (const user of await members.pluck('user_id')) await deleteMember(knex, user, id, limit)
  const applications = knex('clients').where({ account_id: id, kind: 'application' }).orderBy('id').limit(OBJECTS)
  for (const key of await applications.pluck('id')) await deleteApplication(knex, key, limit)
  return await knex.transaction((trx) => deleteRow(trx, id))
}

/** @throws KeywrightError `conflict` */
export function checkAccountMayBeDeleted({ status }: { readonly status: string }): void {
  if (status === 'active') throw new KeywrightError('conflict', 'the account is active; disable the account first')
}

/**
 * Marks a disabled account as `deleting`, which is final.
 * @throws KeywrightError `not_found`, `conflict` (the account is active)
 */
export async function startAccountDeletion(knex: Knex, id: string, actor: Actor): Promise<void> {
  await knex.transaction(async (trx) => {
    if (!isId(id)) throw notFound('account', id)
    await lockAccountExclusive(trx, id)
    const account = await findAccountById(trx, id)
    if (!account) throw notFound('account', id)
    checkAccountMayBeDeleted(account)
    if (account.status === 'deleting') return
    await markAccountDeleting(trx, id)
    await recordAudit(trx, actor, accountEntry('account.deleted', account, { name: account.name }))
  })
}
