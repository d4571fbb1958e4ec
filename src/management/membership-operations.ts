import type { Knex } from 'knex'
import type { SettableStatus } from '../accounts/account-attributes.ts'
import { addMembership as insertMembership, type MembershipKey } from '../accounts/membership-changes.ts'
import { conditionOf, type MembershipCondition, requireProof } from '../accounts/memberships.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { confirmAddress } from '../accounts/user-administration.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { readAffected } from './dry-run.ts'
import { userTarget } from './dry-run-owner-targets.ts'
import { destructiveOperation, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { userFor } from './tenant-isolation.ts'
import { changeUserRole, changeUserStatus, removeMember } from './user-changes.ts'
import { rulesFor } from './user-operations.ts'

/** A user in an account. */
export interface Membership extends MembershipKey {
  readonly accountName: string
  readonly role: AccountRole
  readonly status: SettableStatus
  /** The account to which the user was added first, of those that are left. */
  readonly isFirst: boolean
  /** What has to happen before the user acts here in sessions of their own; null: nothing. */
  readonly waitsFor: MembershipCondition | null
  readonly createdAt: Date
}

interface MembershipRow {
  user_id: string
  account_id: string
  account_name: string
  role: AccountRole
  status: SettableStatus
  is_first: boolean
  waits_for: MembershipCondition | null
  created_at: Date
}

const toMembership = (row: MembershipRow): Membership => ({
  userId: row.user_id,
  accountId: row.account_id,
  accountName: row.account_name,
  role: row.role,
  status: row.status,
  isFirst: row.is_first,
  waitsFor: row.waits_for,
  createdAt: row.created_at,
})

/** At most so many memberships of a user are listed. */
const MAX_LISTED = 200

/** The memberships of a user, the first account first. @param accountId undefined: in all accounts */
async function readMemberships(knex: Knex, userId: string, accountId: string | undefined): Promise<Membership[]> {
  const rows: MembershipRow[] = await knex('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .join('users AS u', 'u.id', 'm.user_id')
    .where('m.user_id', userId)
    .modify((query) => void (accountId === undefined || query.where('m.account_id', accountId)))
    .orderByRaw('u.account_id = m.account_id DESC, lower(a.name), a.id')
    .limit(MAX_LISTED)
    .select('m.user_id', 'm.account_id', 'a.name AS account_name', 'm.role', 'm.status', 'm.created_at')
    .select(knex.raw(`u.account_id = m.account_id AS is_first, ${conditionOf('u')} AS waits_for`))
  return rows.map(toMembership)
}

/** The memberships of a user that the principal may see: an admin sees that in their own account only. @throws KeywrightError `not_found` */
export const listMemberships = operation<{ userId: string }, readonly Membership[]>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { userId }) => {
    const { id } = await userFor(knex, principal, userId)
    return await readMemberships(knex, id, principal.accountId ?? undefined)
  },
)

async function readOne(knex: Knex, { userId, accountId }: MembershipKey): Promise<Membership> {
  const [membership] = await readMemberships(knex, userId, accountId)
  if (!membership) throw notFound('membership in the account', accountId)
  return membership
}

/** @throws KeywrightError `not_found`: an admin of another account learns nothing of the membership */
async function checkOwn(knex: Knex, principal: Principal, { userId, accountId }: MembershipKey): Promise<void> {
  const isOwn = isId(accountId) && (principal.accountId === null || principal.accountId === accountId)
  if (!isOwn) throw notFound('membership in the account', accountId)
  await userFor(knex, principal, userId, accountId)
}

interface MembershipAddition extends MembershipKey {
  readonly role: AccountRole
  /** The address of the user whom the caller means, which confirms it. */
  readonly email?: string | undefined
}

/**
 * Makes a user a member of a further account, without their acceptance. An admin of their other account may have chosen their address, or
 * set up how they sign in: until an operator has confirmed the address and, if the user has credentials of their own, the mailbox is proven,
 * they act there only in sessions of somebody who answers for the account. An instance without e-mail cannot prove a mailbox, and asks for
 * nothing.
 * @throws KeywrightError `not_found`, `conflict` (an operator, or a member already; the account is disabled; another address)
 */
export const addMembership = operation<MembershipAddition, Membership>(
  PERMISSIONS.addMemberships,
  async ({ knex, mail }, principal, { email, ...membership }) => {
    await userFor(knex, principal, membership.userId)
    await knex.transaction(async (trx) => {
      const member = await insertMembership(trx, membership, principal.actor)
      if (email !== undefined) await confirmAddress(trx, member, email, principal.actor)
      if (mail) await requireProof(trx, membership)
    })
    return await readOne(knex, membership)
  },
)

interface MembershipUpdate extends MembershipKey {
  readonly role?: AccountRole | undefined
  readonly status?: SettableStatus | undefined
}

/**
 * Changes the role or the status of a user in one account. A user of one account only is disabled altogether.
 * @throws KeywrightError `not_found`, `conflict` (the last admin)
 */
export const updateMembership = operation<MembershipUpdate, Membership>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { role, status, ...key }) => {
    await checkOwn(knex, principal, key)
    const rules = { ...rulesFor(principal), accountId: key.accountId }
    await knex.transaction(async (trx) => {
      if (role !== undefined) await changeUserRole(trx, key.userId, role, principal.actor, rules)
      if (status !== undefined) await changeUserStatus(trx, key.userId, status, principal.actor, rules)
    })
    return await readOne(knex, key)
  },
)

/**
 * Removes a user from an account, while they belong to another one. Their key pairs there and the tokens of these are revoked, and so
 * are the tokens that applications hold for the user in the account.
 * @throws KeywrightError `not_found`, `conflict` (the user belongs to no other account; the last admin)
 */
export const removeMembership = destructiveOperation<MembershipKey, void>(PERMISSIONS.manageUsers, {
  async run({ knex }, principal, key) {
    await checkOwn(knex, principal, key)
    await removeMember(knex, key, principal.actor, { ...rulesFor(principal), accountId: key.accountId })
  },
  async affected({ knex }, principal, key) {
    await checkOwn(knex, principal, key)
    return await readAffected(knex, principal, userTarget(key, key.userId))
  },
})
