import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import type { SettableStatus } from './account-attributes.ts'
import { lockAccountShared } from './accounts.ts'
import { roleInUsers, sessionsOfMembershipEnd } from './memberships.ts'
import type { AccountRole } from './user-attributes.ts'
import { type AccountOfUser, changeUser, findUserById, lockUser, type User, userEntry } from './users.ts'

/** Names a membership. */
export interface MembershipKey {
  readonly userId: string
  readonly accountId: string
}

/** A user in an account: `role`, `status`, `accountId` and the name of the account are those of the membership. */
export type Member = User & AccountOfUser

/**
 * Locks a user exclusively and returns them as they are in an account; without one, in their first account, or in another one while
 * they may not act there.
 * @throws KeywrightError `not_found` (also: no member of the account), `conflict` (the user is being deleted)
 */
export async function lockMember(trx: Knex, idOrEmail: string, accountId?: string): Promise<Member> {
  const { id } = await lockUser(trx, idOrEmail)
  const member = await findUserById(trx, id, accountId)
  if (!member) throw notFound('user', idOrEmail)
  return member
}

interface NewMembership extends MembershipKey {
  readonly role: AccountRole
}

const conflict = (message: string) => new KeywrightError('conflict', message)

/**
 * Makes a user a member of an account.
 * @throws KeywrightError `not_found`, `conflict` (the user is an operator, is a member already, or is being deleted; the account is
 * disabled)
 */
export async function addMembership(
  trx: Knex,
  { userId, accountId, role }: NewMembership,
  actor: Actor,
): Promise<Member> {
  await lockAccountShared(trx, accountId)
  const user = await lockUser(trx, userId)
  if (user.role === 'operator') throw conflict(`${user.email} is an operator, and belongs to no account`)
  const added = await trx('memberships')
    .insert({ user_id: userId, account_id: accountId, role })
    .onConflict(['user_id', 'account_id'])
    .ignore()
    .returning('user_id')
  if (added.length === 0) throw conflict(`${user.email} is already a member of the account`)
  await recordAudit(trx, actor, userEntry('membership.added', { ...user, accountId }, { role }))
  return (await findUserById(trx, userId, accountId))!
}

/**
 * Whether a locked user has the status already: in one of several accounts that of the membership, else their own. `member.status` says
 * less: a user whom an operator disabled may have an active membership, and a user who is disabled in every account may be active. An
 * active user is one who may act in an account, because to enable a user who is disabled in every account enables these memberships.
 * @param accountId the only account in which the status changes; undefined: all
 */
export async function hasStatus(
  trx: Knex,
  member: Member,
  status: SettableStatus,
  accountId: string | undefined,
): Promise<boolean> {
  if (accountId === undefined && status === 'active') return member.status === status
  const changed =
    accountId === undefined
      ? trx('users').where({ id: member.id })
      : trx('memberships').where({ user_id: member.id, account_id: accountId })
  return (await changed.first('status')).status === status
}

/** Changes the status of a membership. The caller has locked the user. */
export async function saveMembershipStatus(
  trx: Knex,
  { userId, accountId }: MembershipKey,
  status: SettableStatus,
): Promise<void> {
  const change = { status, ...sessionsOfMembershipEnd(trx) }
  await trx('memberships').where({ user_id: userId, account_id: accountId }).update(change)
  await changeUser(trx, userId, {})
}

/** Ends the sessions that are fixed to the account. The caller has locked the user. */
export async function endSessionsOfMembership(trx: Knex, { userId, accountId }: MembershipKey): Promise<void> {
  await trx('memberships').where({ user_id: userId, account_id: accountId }).update(sessionsOfMembershipEnd(trx))
}

/** Whether a membership is the only one of its user. The caller has locked the user. */
async function isOnly(trx: Knex, { userId, accountId }: MembershipKey): Promise<boolean> {
  const others = trx('memberships').where({ user_id: userId }).whereNot({ account_id: accountId })
  return (await others.first('user_id')) === undefined
}

/**
 * Deletes a membership. If it is that of the first account, the oldest other one takes its place. The caller has locked the user.
 * @throws KeywrightError `conflict` (it is the only one)
 */
export async function deleteMembership(trx: Knex, key: MembershipKey): Promise<void> {
  const { userId, accountId } = key
  if (await isOnly(trx, key)) throw conflict('the user belongs to no other account; disable or delete the user instead')
  await trx('memberships').where({ user_id: userId, account_id: accountId }).delete()
  const next: { account_id: string; role: AccountRole } = await trx('memberships')
    .where({ user_id: userId })
    .orderByRaw(`status = 'active' DESC, created_at, account_id`)
    .first('account_id', 'role')
  const first = await trx('users').where({ id: userId }).first('account_id')
  const moved = { account_id: next.account_id, role: roleInUsers(next.role) }
  await changeUser(trx, userId, first.account_id === accountId ? moved : {})
}
