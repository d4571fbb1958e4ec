import type { Knex } from 'knex'
import type { SettableStatus } from '../accounts/account-attributes.ts'
import {
  hasStatus,
  lockMember,
  type Member,
  type MembershipKey,
  saveMembershipStatus,
} from '../accounts/membership-changes.ts'
import { includesRole, mayOwnKeyPairs } from '../accounts/permissions.ts'
import { saveUserStatus, setOneTimePassword } from '../accounts/user-access.ts'
import { type AccountRole, USER_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { lockAccountExclusive } from '../accounts/user-locks.ts'
import { hasPeer, saveUserRole } from '../accounts/user-roles.ts'
import { findUser, findUserById, type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { changesBetween } from '../shared/attributes.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { revokeUserTokens } from '../tokens/revocation.ts'
import { endAccess, endMembership, revokeKeyPairs } from './membership-end.ts'

/** The rules of a change of a user. */
export interface UserChangeRules {
  /** Whether the account must keep an active admin; an operator may leave it without. */
  readonly keepAdmin?: boolean
  /** Whether the instance must keep an active operator; only the command line may leave it without. */
  readonly keepOperator?: boolean
  /** The user who makes the change: users cannot disable or demote themselves. */
  readonly self?: string | null | undefined
  /** The account in which the change applies; undefined: the role in the first account, and the status in all accounts. */
  readonly accountId?: string | undefined
  /** The revision that the caller read; undefined: any revision. */
  readonly expected?: number | undefined
}

/** The lock of operators, who belong to no account. */
const OPERATORS = 'operators'

/**
 * Locks and returns the user. Changes of two users of one account, or of two operators, run one after the other: otherwise
 * each could find that the other user is still an active admin or operator.
 */
export async function lockForChange(
  trx: Knex,
  idOrEmail: string,
  { accountId, expected }: UserChangeRules,
): Promise<Member> {
  const { accountId: first } = await findUser(trx, idOrEmail)
  await lockAccountExclusive(trx, accountId ?? first ?? OPERATORS)
  const user = await lockMember(trx, idOrEmail, accountId)
  expectRevision('the user', user.revision, expected)
  return user
}

const conflict = (message: string) => new KeywrightError('conflict', message)

/** Checks that the user may lose a role or the sign-in. @throws KeywrightError `conflict` */
export async function checkMayLoseAccess(trx: Knex, user: Member, rules: UserChangeRules): Promise<void> {
  if (rules.self === user.id) throw conflict('you cannot disable, demote or lock out yourself; ask another admin')
  const { keepAdmin, keepOperator } = rules
  const mustKeep = { admin: keepAdmin, operator: keepOperator, developer: false, viewer: false, member: false }[
    user.role
  ]
  if (!mustKeep || user.status !== 'active' || (await hasPeer(trx, user))) return
  throw conflict(
    user.role === 'admin'
      ? `${user.email} is the last active admin of the account; make another user an admin first`
      : `${user.email} is the last active operator of the instance; add another one first`,
  )
}

/** The only account that is affected; undefined: all of the user, who has no other one, or an operator decides. */
export const onlyAccount = ({ hasOtherAccounts }: Member, { accountId }: UserChangeRules): string | undefined =>
  hasOtherAccounts ? accountId : undefined

/** Disables or enables a user in one of their accounts. */
async function changeMembershipStatus(trx: Knex, before: Member, status: SettableStatus, actor: Actor): Promise<User> {
  const key = { userId: before.id, accountId: before.accountId! }
  await saveMembershipStatus(trx, key, status)
  const revoked = status === 'disabled' ? await endAccess(trx, before, key.accountId) : []
  const user = (await findUserById(trx, key.userId, key.accountId))!
  const action = status === 'active' ? 'membership.enabled' : 'membership.disabled'
  await recordAudit(trx, actor, userEntry(action, user), ...revoked)
  return user
}

/**
 * Disables or enables a user. Disabling revokes the user's sessions, all tokens that applications hold for the user, and
 * those of the user's key pairs. Enabling brings none of them back. In one account of a user who belongs to several, it is the
 * membership that is disabled, and the key pairs there are revoked.
 * @throws KeywrightError `not_found`, `conflict`, `stale`
 */
export async function changeUserStatus(
  knex: Knex,
  idOrEmail: string,
  status: SettableStatus,
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, idOrEmail, rules)
    const accountId = onlyAccount(before, rules)
    if (await hasStatus(trx, before, status, accountId)) return before
    if (status === 'disabled') await checkMayLoseAccess(trx, before, rules)
    if (accountId !== undefined) return await changeMembershipStatus(trx, before, status, actor)
    const user = await saveUserStatus(trx, before.id, status)
    if (status === 'disabled') await revokeUserTokens(trx, user.id)
    await recordAudit(trx, actor, userEntry(status === 'active' ? 'user.enabled' : 'user.disabled', user))
    return user
  })
}

/**
 * Removes a user from one of several accounts.
 * @throws KeywrightError as `endMembership`; `conflict` (the last admin, or the user who makes the change)
 */
export async function removeMember(
  knex: Knex,
  key: MembershipKey,
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<void> {
  await knex.transaction(async (trx) => {
    await checkMayLoseAccess(trx, await lockForChange(trx, key.userId, { ...rules, accountId: key.accountId }), rules)
    await endMembership(trx, key, actor)
  })
}

/**
 * Removes the password of a user and revokes their sessions. The user cannot sign in until an admin or operator gives them
 * a one-time password. Tokens that applications hold for the user stay valid.
 * @throws KeywrightError `not_found`, `conflict`
 */
export async function withdrawPassword(
  knex: Knex,
  idOrEmail: string,
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, idOrEmail, rules)
    if (rules.accountId !== undefined && before.hasOtherAccounts)
      throw new KeywrightError('forbidden', `${before.email} belongs to another account as well`)
    await checkMayLoseAccess(trx, before, rules)
    const user = await setOneTimePassword(trx, before.id, null)
    await recordAudit(trx, actor, userEntry('user.password_withdrawn', user))
    return user
  })
}

/**
 * Changes the role of a user in an account. A user who may no longer own key pairs loses them.
 * @throws KeywrightError `not_found`, `conflict` (also for an operator, who belongs to no account), `stale`
 */
export async function changeUserRole(
  knex: Knex,
  idOrEmail: string,
  role: AccountRole,
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, idOrEmail, rules)
    if (before.role === role) return before
    if (before.role === 'operator') throw conflict(`${before.email} is an operator, and belongs to no account`)
    if (!includesRole(role, before.role)) await checkMayLoseAccess(trx, before, rules)
    const user = await saveUserRole(trx, before, role)
    const revoked = mayOwnKeyPairs(role) ? [] : await revokeKeyPairs(trx, user)
    const changes = changesBetween({ role: USER_ATTRIBUTES.role }, before, user)
    const changed = userEntry('user.role_changed', user, { changes })
    await recordAudit(trx, actor, changed, ...revoked)
    return user
  })
}
