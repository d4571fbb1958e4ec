import type { SettableStatus } from '../accounts/account-attributes.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { takeWork } from '../accounts/sign-in-limits.ts'
import { checkProfileChange, confirmAddress, resetPassword, saveProfile } from '../accounts/user-administration.ts'
import { type AccountRole, PROFILE_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { findUser as findUserByIdOrEmail, type Profile, type User } from '../accounts/users.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { readAffected } from './dry-run.ts'
import { userTarget } from './dry-run-owner-targets.ts'
import type { Invited } from './invitations.ts'
import { destructiveOperation, operation } from './operation.ts'
import { checkOperatorAttributes } from './operator-attributes.ts'
import { isCommandLine, type Principal } from './principal.ts'
import { checkMayChangeAddress, isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { addressRulesOf, checkTenant, lockPerson, mayManagePerson, personFor, userFor } from './tenant-isolation.ts'
import { changeUserRole, changeUserStatus, withdrawPassword } from './user-changes.ts'
import { type DetailsRow, READ_USER, READ_USER_WITH_CALLERS, toDetails, type UserDetails } from './user-views.ts'

/** A user by id or email address. @throws KeywrightError `not_found` */
export const findUser = operation<{ idOrEmail: string }, User>(
  PERMISSIONS.findUsers,
  async ({ knex }, _principal, { idOrEmail }) => await findUserByIdOrEmail(knex, idOrEmail),
)

interface UserSelector {
  readonly userId: string
}

export const readUser = operation<UserSelector & { withCallers?: boolean }, UserDetails>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { userId, withCallers }) => {
    if (!isId(userId)) throw notFound('user', userId)
    const { rows } = await knex.raw(withCallers ? READ_USER_WITH_CALLERS : READ_USER, {
      user: userId,
      account: principal.accountId as never,
    })
    const row: DetailsRow | undefined = rows[0]
    if (!row) throw notFound('user', userId)
    checkTenant(principal, row.account_id, 'user', userId)
    const details = toDetails(row, principal)
    return mayManagePerson(principal, details) ? details : { ...details, sessions: [] }
  },
)

/**
 * An operator may leave an account without an active admin, because an operator can make new ones. The command line may
 * leave the instance without an active operator for the same reason.
 */
export const rulesFor = (principal: Principal) => ({
  keepAdmin: principal.role !== 'operator',
  keepOperator: !isCommandLine(principal),
  accountId: principal.accountId ?? undefined,
  ...(principal.userId !== null && { self: principal.userId }),
})

interface UserChange extends UserSelector, Partial<Profile> {
  readonly revision?: number | undefined
}

/** Validates a change of a user without making it. @throws KeywrightError as `updateUser` */
export const checkUserUpdate = operation<UserChange, void>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId, ...changes }) => {
    const before = await personFor(knex, principal, userId)
    checkOperatorAttributes(principal, PROFILE_ATTRIBUTES, changes)
    checkMayChangeAddress(principal, before, changes.email)
    await checkProfileChange(knex, before, changes, addressRulesOf(principal))
  },
)

/**
 * Whether the one who answers for the instance names the address of a user. A form contains it in any case, so a person who saves one
 * says nothing of it.
 */
const confirmsAddress = (principal: Principal, changes: Partial<Profile>): changes is Pick<Profile, 'email'> =>
  changes.email !== undefined && principal.role === 'operator' && (isProgram(principal) || isCommandLine(principal))

/** @throws KeywrightError also `stale`, `conflict` (the address is taken), `insufficient_user_authentication` */
export const updateUser = operation<UserChange, User>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId, revision, ...changes }) => {
    const rules = { expected: revision, ...addressRulesOf(principal) }
    return await knex.transaction(async (trx) => {
      const before = await lockPerson(trx, principal, userId)
      checkOperatorAttributes(principal, PROFILE_ATTRIBUTES, changes)
      checkMayChangeAddress(principal, before, changes.email)
      const user = await saveProfile(trx, userId, changes, principal.actor, rules)
      if (confirmsAddress(principal, changes)) await confirmAddress(trx, user, changes.email, principal.actor)
      return user
    })
  },
)

/**
 * An operator confirms the address of a user, whose memberships may wait for it, by naming it.
 * @throws KeywrightError `not_found`, `conflict` (the user has another address), `insufficient_user_authentication`
 */
export const confirmUserAddress = operation<UserSelector & { readonly email: string }, User>(
  PERMISSIONS.addMemberships,
  async ({ knex }, principal, { userId, email }) => {
    requireRecentSignIn(principal, 'confirming an email address')
    return await knex.transaction(async (trx) => {
      const user = await lockPerson(trx, principal, userId)
      await confirmAddress(trx, user, email, principal.actor)
      return user
    })
  },
)

interface RoleChange extends UserSelector {
  readonly role: AccountRole
  readonly revision?: number | undefined
}

/** A former admin loses their key pairs. @throws KeywrightError also `stale`, `conflict` (the last admin) */
export const setRole = destructiveOperation<RoleChange, User, UserSelector>(PERMISSIONS.manageUsers, {
  async run({ knex }, principal, { userId, role, revision }) {
    await userFor(knex, principal, userId)
    return await changeUserRole(knex, userId, role, principal.actor, { ...rulesFor(principal), expected: revision })
  },
  affected: ({ knex }, principal, { userId }) =>
    readAffected(knex, principal, userTarget(principal, userId, { ownOnly: true })),
})

/** Disabling revokes the user's sessions and all tokens for the user at once. @throws KeywrightError also `conflict` (the last admin) */
export const setUserStatus = destructiveOperation<UserSelector & { status: SettableStatus }, User, UserSelector>(
  PERMISSIONS.manageUsers,
  {
    async run({ knex }, principal, { userId, status }) {
      await userFor(knex, principal, userId)
      return await changeUserStatus(knex, userId, status, principal.actor, rulesFor(principal))
    },
    affected: ({ knex }, principal, { userId }) => readAffected(knex, principal, userTarget(principal, userId)),
  },
)

/**
 * Generates a one-time password for a user who forgot theirs. A program never receives one: it removes the password, and
 * an admin or operator then gives a new one. A program cannot lock out its own user or the last admin who can sign in.
 */
export const givePassword = operation<UserSelector, Invited>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId }) => {
    await personFor(knex, principal, userId)
    if (isProgram(principal)) {
      const rules = { ...rulesFor(principal), keepAdmin: true }
      return { user: await withdrawPassword(knex, userId, principal.actor, rules), password: null }
    }
    requireRecentSignIn(principal, 'resetting a password')
    if (principal.userId !== null) await takeWork(knex, principal.userId)
    return await resetPassword(knex, userId, principal.actor, (trx) => personFor(trx, principal, userId))
  },
)
