import type { Knex } from 'knex'
import { roleInUsers, saveMembershipRole } from './memberships.ts'
import type { AccountRole } from './user-attributes.ts'
import { changeUser, type User } from './users.ts'

/** The membership first: what `users` then says agrees with it, so the trigger `users_membership` changes nothing. */
export async function saveUserRole(trx: Knex, id: string, role: AccountRole): Promise<User> {
  await saveMembershipRole(trx, id, role)
  return await changeUser(trx, id, { role: roleInUsers(role) })
}

/** Whether another active user with the same role can sign in, in the same account or, for an operator, in the instance. */
export async function hasPeer(trx: Knex, { id, accountId, role }: User): Promise<boolean> {
  const others = trx('users').where({ account_id: accountId, role, status: 'active' }).whereNot({ id })
  others.whereNotNull('password_hash')
  return (await others.select(trx.raw('1')).limit(1)).length > 0
}
