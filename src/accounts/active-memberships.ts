import type { Knex } from 'knex'
import type { AccountRole } from './user-attributes.ts'

/** An account in which a user may act. */
export interface ActiveMembership {
  readonly accountId: string
  readonly accountName: string
  readonly role: AccountRole
}

/** The accounts in which a user may act, sorted by name. */
export async function listActiveMemberships(db: Knex, userId: string): Promise<ActiveMembership[]> {
  return await db('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .where({ 'm.user_id': userId, 'm.status': 'active', 'a.status': 'active' })
    .orderBy(['a.name', 'a.id'])
    .select('a.id AS accountId', 'a.name AS accountName', 'm.role')
}
