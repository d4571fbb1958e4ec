import type { Knex } from 'knex'
import type { Member } from './membership-changes.ts'
import { roleInUsers, saveMembershipRole } from './memberships.ts'
import type { AccountRole } from './user-attributes.ts'
import { changeUser, findUserById } from './users.ts'

/** The membership first: what `users` then says of the first account agrees with it, so the trigger `users_membership` changes nothing. */
export async function saveUserRole(trx: Knex, { id, accountId }: Member, role: AccountRole): Promise<Member> {
  await saveMembershipRole(trx, { userId: id, accountId: accountId! }, role)
  const first = await trx('users').where({ id }).first('account_id')
  await changeUser(trx, id, first.account_id === accountId ? { role: roleInUsers(role) } : {})
  return (await findUserById(trx, id, accountId!))!
}

/** Whether another active user with the same role can sign in, in the same account or, for an operator, in the instance. */
export async function hasPeer(trx: Knex, { id, accountId, role }: Member): Promise<boolean> {
  const others = trx('users').where('users.status', 'active').whereNot('users.id', id).whereNotNull('password_hash')
  if (accountId === null) others.where({ role })
  else {
    others.join('memberships', 'memberships.user_id', 'users.id')
    others.where({ 'memberships.account_id': accountId, 'memberships.role': role, 'memberships.status': 'active' })
  }
  return (await others.select(trx.raw('1')).limit(1)).length > 0
}
