import type { Knex } from 'knex'
import { lockAccountExclusive } from '../accounts/user-locks.ts'
import {
  findUser,
  hasPeer,
  lockUser,
  saveUserRole,
  saveUserStatus,
  setOneTimePassword,
  type User,
  userEntry,
} from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { findKeyPairOf, setClientStatus } from '../clients/clients.ts'
import { expectRevision, KeywrightError } from '../shared/errors.ts'
import { revokeUserTokens } from '../tokens/revocation.ts'

/** What a change of a person must keep to. */
export interface UserChangeRules {
  /** Whether the account must keep an active admin; an operator may leave it without. */
  readonly keepAdmin?: boolean
  /** Whether the instance must keep an active operator; only the command line may leave it without. */
  readonly keepOperator?: boolean
  /** Who changes it: nobody switches off or demotes themselves. */
  readonly self?: string | null | undefined
  /** The revision that was seen; undefined: whatever it is. */
  readonly expected?: number | undefined
}

/** Whose turn operators take, who belong to no account. */
const OPERATORS = 'operators'

/**
 * The person, locked. Of two who change people of one account, or operators, one waits before the first lock: each might
 * find that the other's admin, or operator, is left.
 */
async function lockForChange(trx: Knex, idOrEmail: string, { expected }: UserChangeRules): Promise<User> {
  const { accountId } = await findUser(trx, idOrEmail)
  await lockAccountExclusive(trx, accountId ?? OPERATORS)
  const user = await lockUser(trx, idOrEmail)
  expectRevision('the person', user.revision, expected)
  return user
}

const refuse = (message: string) => new KeywrightError('conflict', message)

/** Of one who is to lose what they may. @throws KeywrightError `conflict` */
async function checkMayLose(trx: Knex, user: User, rules: UserChangeRules): Promise<void> {
  if (rules.self === user.id) throw refuse('nobody switches off, demotes or locks out themselves; ask another admin')
  const mustKeep = { admin: rules.keepAdmin, operator: rules.keepOperator, member: false }[user.role]
  if (!mustKeep || user.status !== 'active' || (await hasPeer(trx, user))) return
  throw refuse(
    user.role === 'admin'
      ? `${user.email} is the last active admin of the account; make somebody else an admin first`
      : `${user.email} is the last active operator of the instance; add another one first`,
  )
}

/**
 * Switches a person off or on. Off ends their sessions, every token that is held in their name, and those of their key
 * pair; on again, they must sign in, and everybody must get new ones.
 * @throws KeywrightError `not_found`, `conflict`, `stale`
 */
export async function changeUserStatus(
  knex: Knex,
  idOrEmail: string,
  status: User['status'],
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, idOrEmail, rules)
    if (before.status === status) return before
    if (status === 'disabled') await checkMayLose(trx, before, rules)
    const user = await saveUserStatus(trx, before.id, status)
    if (status === 'disabled') await revokeUserTokens(trx, user.id)
    await recordAudit(trx, actor, userEntry(status === 'active' ? 'user.enabled' : 'user.disabled', user))
    return user
  })
}

/**
 * Takes a user's password away and ends their sessions: they cannot sign in until a person gives them a one-time password.
 * What applications hold in their name stays.
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
    await checkMayLose(trx, before, rules)
    const user = await setOneTimePassword(trx, before.id, null)
    await recordAudit(trx, actor, userEntry('user.password_withdrawn', user))
    return user
  })
}

/** A member has no key pair: an admin's ends for good, with every token of it. */
async function endKeyPair(trx: Knex, user: User): Promise<AuditEntry[]> {
  const pair = await findKeyPairOf(trx, user.id)
  if (!pair) return []
  await setClientStatus(trx, pair, 'replaced')
  const target = { type: 'client', id: pair.clientId }
  return [{ action: 'key_pair.ended', target, accountId: user.accountId, detail: { user_id: user.id } }]
}

/**
 * Makes a member an admin, or an admin a member.
 * @throws KeywrightError `not_found`, `conflict` (also for an operator, who belongs to no account), `stale`
 */
export async function changeUserRole(
  knex: Knex,
  idOrEmail: string,
  role: 'admin' | 'member',
  actor: Actor,
  rules: UserChangeRules = {},
): Promise<User> {
  return await knex.transaction(async (trx) => {
    const before = await lockForChange(trx, idOrEmail, rules)
    if (before.role === role) return before
    if (before.role === 'operator') throw refuse(`${before.email} is an operator, and belongs to no account`)
    if (role === 'member') await checkMayLose(trx, before, rules)
    const user = await saveUserRole(trx, before.id, role)
    const ended = role === 'member' ? await endKeyPair(trx, user) : []
    const changed = userEntry('user.role_changed', user, { from: before.role, to: role })
    await recordAudit(trx, actor, changed, ...ended)
    return user
  })
}
