import type { Knex } from 'knex'
import { isAddressVouched } from '../accounts/memberships.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type AccountRole, PROFILE_ATTRIBUTES, type Role } from '../accounts/user-attributes.ts'
import { findUserById, type Profile, type User } from '../accounts/users.ts'
import { findUserByExternalId } from '../accounts/users-by-external-id.ts'
import { checkValues, differingValues } from '../shared/attribute-values.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { createOrUpdate, type Upserted } from './create-or-update.ts'
import { inviteUser } from './invitations.ts'
import { addMembership, updateMembership } from './membership-operations.ts'
import { type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { updateUser } from './user-operations.ts'

/** What is left out stays, or gets its initial value in a new user. */
type UserUpsert = Partial<Profile> &
  Pick<Profile, 'email'> & {
    readonly externalId: string
    /** A new user without a role is a member. */
    readonly role?: Role | undefined
    /** Required for a new user, except an operator. A user who is no member of it becomes one. */
    readonly accountId?: string | null | undefined
  }

async function create(management: Management, principal: Principal, { role = 'member', ...user }: UserUpsert) {
  if (role !== 'operator' && !user.accountId) throw invalidInput('a new user needs an account', 'accountId')
  return (await inviteUser(management, principal, { ...user, role })).user
}

/** @throws KeywrightError `conflict` */
function checkMayUpdate(known: User, { accountId, role }: UserUpsert): void {
  if (known.status === 'deleting') throw new KeywrightError('conflict', 'the user is being deleted')
  const conflict = (message: string, field: string) =>
    new KeywrightError('conflict', message, { fieldErrors: [{ field, message }] })
  if (accountId !== undefined && (accountId === null) !== (known.role === 'operator'))
    throw conflict('an operator belongs to no account, and other users belong to one', 'accountId')
  if (role !== undefined && (role === 'operator') !== (known.role === 'operator'))
    throw conflict('a user of an account cannot become an operator, nor an operator a user of an account', 'role')
}

/** The user in the named account, whose member they become if they are none; without a name, in their first account. */
async function userInAccount(
  management: Management,
  principal: Principal,
  { id: userId }: User,
  { role, accountId, email }: UserUpsert,
): Promise<User> {
  const { knex } = management
  const member = await findUserById(knex, userId, accountId ?? undefined)
  if (member) return member
  const added = { userId, accountId: accountId!, role: (role ?? 'member') as AccountRole, email }
  await addMembership(management, principal, added)
  return (await findUserById(knex, userId, added.accountId))!
}

/** The membership, the role and the other attributes in one transaction: all or none. */
async function update(management: Management, principal: Principal, known: User, upsert: UserUpsert): Promise<User> {
  checkMayUpdate(known, upsert)
  const { role, accountId: _, ...profile } = upsert
  const differing = differingValues(PROFILE_ATTRIBUTES, known, profile)
  return await management.knex.transaction(async (knex: Knex) => {
    const inTransaction = { ...management, knex }
    const user = await userInAccount(inTransaction, principal, known, upsert)
    const { id: userId, accountId } = user
    if (role !== undefined && role !== user.role) {
      const change = { userId, accountId: accountId!, role: role as AccountRole }
      await updateMembership(inTransaction, principal, change)
    }
    const isNews = Object.keys(differing).length > 0 || !(await isAddressVouched(knex, userId))
    if (isNews) await updateUser(inTransaction, principal, { userId, ...differing, email: profile.email })
    return (await findUserById(knex, userId, accountId ?? undefined))!
  })
}

/**
 * Creates the user with this external ID, without a password, or updates them. A user with the same address and another external ID,
 * or none, is a conflict: otherwise a person who sets their address in the other system would take the user over.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict`
 */
export const upsertUser = operation<UserUpsert, Upserted<User>>(
  PERMISSIONS.upsertUsers,
  async (management, principal, upsert) => {
    checkValues(PROFILE_ATTRIBUTES, upsert)
    return await createOrUpdate({
      find: () => findUserByExternalId(management.knex, upsert.externalId),
      create: () => create(management, principal, upsert),
      update: (known) => update(management, principal, known, upsert),
    })
  },
)
