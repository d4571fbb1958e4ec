import type { Knex } from 'knex'
import type { Member } from '../accounts/membership-changes.ts'
import { hasSignedIn } from '../accounts/pending-users.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type ScimNames, saveScimNames } from '../accounts/scim-names.ts'
import { addUserWithoutPassword, saveProfile } from '../accounts/user-administration.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { changeUser, findUser } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import { expectRevision } from '../shared/errors.ts'
import { endMembership } from './membership-end.ts'
import { operation } from './operation.ts'
import { getScimUser, listScimUsers, type ScimUser, type ScimUserFilter } from './scim-users.ts'
import { changeUserRole, changeUserStatus, lockForChange, type UserChangeRules } from './user-changes.ts'
import { markDeleted } from './user-deletion.ts'
import { offboard } from './user-offboarding.ts'

/** What an identity provider sets. */
export interface ScimUserValues extends ScimNames {
  readonly email: string
  readonly name: string | null
  readonly active: boolean
  readonly role: AccountRole
}

/** The identity provider decides about this account, and about its last admin too. */
const rulesOf = (accountId: string | null): UserChangeRules => ({ accountId: accountId! })

const NAMES = ['userName', 'externalId', 'givenName', 'familyName'] as const

interface Part {
  readonly filter: ScimUserFilter
  /** Users before the first one. */
  readonly offset: number
  readonly limit: number
}

/** A part of the users of the account, with the number of all that match. */
export const listDirectory = operation<Part, { total: number; users: ScimUser[] }>(
  PERMISSIONS.viewUsers,
  async ({ knex }, { accountId }, { filter, ...part }) => await listScimUsers(knex, accountId!, filter, part),
)

/** @throws KeywrightError `not_found` */
export const readDirectoryUser = operation<{ id: string }, ScimUser>(
  PERMISSIONS.viewUsers,
  async ({ knex }, { accountId }, { id }) => await getScimUser(knex, accountId!, id),
)

/** The identity provider must not learn which addresses have users in other accounts. */
const ADDRESSES = { mayBePending: true } as const

/**
 * Adds a user to the account, without a password, who is pending if a user elsewhere has the address (docs/adr/0045-memberships.md). The unique indexes decide between the same requests at several nodes.
 * @throws KeywrightError `invalid_input`, `conflict` (the account has the address, user name or external ID)
 */
export const addDirectoryUser = operation<ScimUserValues, ScimUser>(
  PERMISSIONS.manageUsers,
  async ({ knex }, { accountId, actor }, { email, name, role, active, ...names }) => {
    return await knex.transaction(async (trx) => {
      const { id } = await addUserWithoutPassword(trx, { email, name, role, accountId, ...ADDRESSES }, actor)
      await saveScimNames(trx, accountId!, id, names)
      if (!active) await changeUserStatus(trx, id, 'disabled', actor, rulesOf(accountId))
      return await getScimUser(trx, accountId!, id)
    })
  },
)

/**
 * Changes the names and, of a user who belongs to this account only, the profile: nobody else decides for the others. An address that the
 * user has signed in with stays, as for an admin: to refuse one that is taken elsewhere would reveal who has it.
 */
async function saveDetails(trx: Knex, before: ScimUser, values: ScimUserValues, member: Member, actor: Actor) {
  const { name } = values
  const email = (await hasSignedIn(trx, before.id)) ? before.email : values.email
  const isOther = email !== before.email || name !== before.name
  if (isOther && !member.hasOtherAccounts) await saveProfile(trx, before.id, { email, name }, actor, ADDRESSES)
  if (NAMES.every((one) => values[one] === before[one])) return
  await saveScimNames(trx, member.accountId!, before.id, values)
  await changeUser(trx, before.id, {})
}

/** Off-boards a user who is not active, whatever they were before: a request that is repeated after a crash completes it. */
async function saveStatus(trx: Knex, before: ScimUser, active: boolean, actor: Actor, rules: UserChangeRules) {
  if (!active) await offboard(trx, before.id, actor, rules)
  else if (!before.active) await changeUserStatus(trx, before.id, 'active', actor, rules)
}

interface Change {
  readonly id: string
  /** The revision that the caller read. Undefined: any. */
  readonly revision: number | undefined
  /** The new values from the present ones. It may throw. */
  readonly change: (before: ScimUser) => ScimUserValues
}

/**
 * Changes a user of the account in one transaction, which begins with reading the present values under the lock of the user. A user who
 * becomes inactive is off-boarded, the last admin too: the identity provider decides who belongs to the account.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`, `stale`
 */
export const changeDirectoryUser = operation<Change, ScimUser>(
  PERMISSIONS.manageUsers,
  async ({ knex }, { accountId, actor }, { id, revision, change }) => {
    await getScimUser(knex, accountId!, id)
    return await knex.transaction(async (trx) => {
      const rules = rulesOf(accountId)
      const member = await lockForChange(trx, id, rules)
      const before = await getScimUser(trx, accountId!, id)
      expectRevision('the user', before.revision, revision)
      const values = change(before)
      await saveDetails(trx, before, values, member, actor)
      if (values.role !== before.role) await changeUserRole(trx, id, values.role, actor, rules)
      await saveStatus(trx, before, values.active, actor, rules)
      return await getScimUser(trx, accountId!, id)
    })
  },
)

/**
 * Off-boards a user and starts their deletion, in one transaction. Of a user who belongs to another account too, the membership ends.
 * @throws KeywrightError `not_found`, `conflict`, `stale`
 */
export const deleteDirectoryUser = operation<{ id: string; revision: number | undefined }, void>(
  PERMISSIONS.manageUsers,
  async ({ knex }, { accountId, actor }, { id, revision }) => {
    await getScimUser(knex, accountId!, id)
    await knex.transaction(async (trx) => {
      const rules = rulesOf(accountId)
      const member = await lockForChange(trx, id, rules)
      expectRevision('the user', member.revision, revision)
      await offboard(trx, id, actor, rules)
      if (member.hasOtherAccounts) await endMembership(trx, { userId: id, accountId: accountId! }, actor)
      else await markDeleted(trx, await findUser(trx, id), actor)
    })
  },
)
