import type { Knex } from 'knex'
import { lockUser, setUserStatus, type User } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { endTokensOfUser } from './revocation.ts'

/**
 * Switches a person off or on. Off ends their sessions, every token that is held in their name, and those of their key
 * pair; on again, they must sign in, and everybody must get new ones.
 * @throws KeywrightError `not_found`
 */
export async function changeUserStatus(
  knex: Knex,
  idOrEmail: string,
  status: 'active' | 'disabled',
  actor: Actor,
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockUser(trx, idOrEmail)
    if (before.status === status) return before
    const user = await setUserStatus(trx, before.id, status)
    if (status === 'disabled') await endTokensOfUser(trx, user.id)
    await recordAudit(trx, actor, {
      action: status === 'active' ? 'user.enabled' : 'user.disabled',
      target: { type: 'user', id: user.id },
      accountId: user.accountId,
    })
    return user
  })
}
