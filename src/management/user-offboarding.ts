import type { Knex } from 'knex'
import {
  endSessionsOfMembership,
  hasStatus,
  type Member,
  saveMembershipStatus,
} from '../accounts/membership-changes.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { saveUserStatus } from '../accounts/user-access.ts'
import { type User, untilNow, userEntry } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { readAffected } from './dry-run.ts'
import { userTarget } from './dry-run-owner-targets.ts'
import { endAccess } from './membership-end.ts'
import { destructiveOperation } from './operation.ts'
import { userFor } from './tenant-isolation.ts'
import { checkMayLoseAccess, lockForChange, onlyAccount, type UserChangeRules } from './user-changes.ts'
import { rulesFor } from './user-operations.ts'

/**
 * Disables the user, or in one of several accounts the membership, which ends the sessions. Returns the audit event. The membership has
 * its own status: an operator who enables a disabled user again must not give back an account that the user has left.
 */
async function disable(trx: Knex, member: Member, accountId: string | undefined): Promise<AuditEntry[]> {
  if (await hasStatus(trx, member, 'disabled', accountId)) return []
  if (accountId === undefined) return [userEntry('user.disabled', await saveUserStatus(trx, member.id, 'disabled'))]
  await saveMembershipStatus(trx, { userId: member.id, accountId }, 'disabled')
  return [userEntry('membership.disabled', member)]
}

/**
 * Disables a user and ends their sessions, consents, key pairs and every token, in one transaction: after a crash all of it is done, or
 * nothing and the request can be repeated. Enabling the user brings none of it back. For a user of several accounts and an `accountId`,
 * it is the membership that ends so, with what belongs to it.
 * @throws KeywrightError `not_found`, `conflict`
 */
export async function offboard(knex: Knex, userId: string, actor: Actor, rules: UserChangeRules = {}): Promise<void> {
  await knex.transaction(async (trx) => {
    const member = await lockForChange(trx, userId, rules)
    await checkMayLoseAccess(trx, member, rules)
    const accountId = onlyAccount(member, rules)
    const disabled = await disable(trx, member, accountId)
    const ended = await endAccess(trx, member, accountId)
    if (disabled.length + ended.length > 0) await recordAudit(trx, actor, ...disabled, ...ended)
  })
}

/**
 * Ends the sessions, consents, key pairs and every token of a user, who stays active and must sign in again. For a user of several
 * accounts and an `accountId`, it ends what belongs to that account: of the sessions those that are fixed to it.
 * @throws KeywrightError `not_found`, `conflict` (the user is being deleted)
 */
export async function endAllAccess(knex: Knex, userId: string, actor: Actor, rules: UserChangeRules): Promise<void> {
  await knex.transaction(async (trx) => {
    const member = await lockForChange(trx, userId, rules)
    const accountId = onlyAccount(member, rules)
    if (accountId === undefined) await trx('users').where({ id: member.id }).update(untilNow(trx))
    else await endSessionsOfMembership(trx, { userId: member.id, accountId })
    const ended = await endAccess(trx, member, accountId)
    await recordAudit(trx, actor, userEntry('user.tokens_revoked', member), ...ended)
  })
}

/**
 * Off-boards a user in one call: disables them and ends their sessions, consents, key pairs and tokens.
 * @throws KeywrightError `not_found`, `conflict` (the last admin, or the caller), `insufficient_user_authentication`
 */
export const offboardUser = destructiveOperation<{ userId: string }, User>(PERMISSIONS.manageUsers, {
  async run({ knex }, principal, { userId }) {
    await userFor(knex, principal, userId)
    await offboard(knex, userId, principal.actor, rulesFor(principal))
    return await userFor(knex, principal, userId)
  },
  affected: ({ knex }, principal, { userId }) => readAffected(knex, principal, userTarget(principal, userId)),
})

/** Global Token Revocation: the user must sign in again. @throws KeywrightError `not_found`, `conflict` */
export const endAccessOfUser = destructiveOperation<{ userId: string }, void>(PERMISSIONS.revokeTokensOfUsers, {
  async run({ knex }, principal, { userId }) {
    const { id } = await userFor(knex, principal, userId)
    await endAllAccess(knex, id, principal.actor, { accountId: principal.accountId ?? undefined })
  },
  affected: ({ knex }, principal, { userId }) => readAffected(knex, principal, userTarget(principal, userId)),
})
