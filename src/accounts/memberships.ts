import type { Knex } from 'knex'
import type { AccountRole, Role } from './user-attributes.ts'

/** SQL: the role of a user of the table or alias `u`. */
export const roleOf = (u: string): string =>
  `coalesce((SELECT m.role FROM memberships m WHERE m.user_id = ${u}.id AND m.account_id = ${u}.account_id), ${u}.role)`

/** SQL: the role of the row of `users`. */
export const ROLE_OF_USER = roleOf('users')

/** The role in `users.role`, which nodes of the previous version read: they know `member` as the only role beside `admin`. */
export const roleInUsers = (role: Role): 'operator' | 'admin' | 'member' =>
  role === 'operator' || role === 'admin' ? role : 'member'

/** Changes the role of a user in their account. The caller has locked the user, or has just added them. */
export async function saveMembershipRole(trx: Knex, userId: string, role: AccountRole): Promise<void> {
  const account = trx('users').where({ id: userId }).select('account_id')
  await trx('memberships').where({ user_id: userId, account_id: account }).update({ role })
}
