import type { Knex } from 'knex'
import { takeWork } from '../accounts/sign-in-limits.ts'
import { addUser, addUserWithoutPassword } from '../accounts/user-administration.ts'
import { PROFILE_ATTRIBUTES, type Role, USER_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { checkProfile } from '../accounts/user-checks.ts'
import type { Profile, User } from '../accounts/users.ts'
import { normalizedValues } from '../shared/attribute-values.ts'
import { isOperatorChoice } from '../shared/attributes.ts'
import { KeywrightError } from '../shared/errors.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountOfNewObject } from './tenant-isolation.ts'

type Invitation = Partial<Profile> &
  Pick<User, 'email' | 'role'> & {
    /** Absent: the principal's own account. */
    readonly accountId?: string | null | undefined
  }

/** The password is shown once and works for one sign-in. Null for a program, which never receives a password. */
export interface Invited {
  readonly user: User
  readonly password: string | null
}

/** @throws KeywrightError `forbidden`, `insufficient_user_authentication`, `rate_limited` */
async function checkMayInvite(knex: Knex, principal: Principal, role: Role | undefined): Promise<void> {
  if (isOperatorChoice(USER_ATTRIBUTES.role, role) && principal.role !== 'operator') {
    throw new KeywrightError('forbidden', 'only an operator can invite operators')
  }
  if (isProgram(principal)) return
  requireRecentSignIn(principal, 'inviting a user')
  if (principal.userId !== null) await takeWork(knex, principal.userId)
}

/**
 * Validates the given part of an invitation without inviting. It requires what an invitation requires, because it reveals
 * as well which email addresses have users.
 * @throws KeywrightError `invalid_input`, `conflict`, with each error at its field; and as `checkMayInvite`
 */
export const checkInvitation = operation<Partial<Invitation>, void>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { role, ...values }) => {
    await checkMayInvite(knex, principal, role)
    await checkProfile(knex, normalizedValues(PROFILE_ATTRIBUTES, values), { role })
  },
)

export const inviteUser = operation<Invitation, Invited>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, principal, { role, accountId: wanted, ...profile }) => {
    await checkMayInvite(knex, principal, role)
    const accountId = role === 'operator' ? null : accountOfNewObject(principal, wanted ?? undefined)
    const newUser = { ...profile, role, accountId }
    if (isProgram(principal))
      return { user: await addUserWithoutPassword(knex, newUser, principal.actor), password: null }
    return await addUser(knex, newUser, principal.actor)
  },
)
