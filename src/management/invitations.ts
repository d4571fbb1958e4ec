import type { Knex } from 'knex'
import { takeWork } from '../accounts/sign-in-limits.ts'
import { addUser, addUserWithoutPassword } from '../accounts/user-administration.ts'
import { checkUser } from '../accounts/user-checks.ts'
import type { Role, User } from '../accounts/users.ts'
import { KeywrightError } from '../shared/errors.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountOfNewObject } from './tenant-isolation.ts'

interface Invitation {
  readonly email: string
  readonly name?: string | undefined
  readonly role: Role
  /** The caller asserts that the address is the user's. */
  readonly emailVerified?: boolean | undefined
  /** Absent: the caller's own. */
  readonly accountId?: string | undefined
}

/** The password is shown once and works for one sign-in: a person hands it on. Null: a program called, which never gets one. */
export interface Invited {
  readonly user: User
  readonly password: string | null
}

/** @throws KeywrightError `forbidden`, `insufficient_user_authentication`, `rate_limited` */
async function checkMayInvite(knex: Knex, who: Principal, role: Role | undefined): Promise<void> {
  if (role === 'operator' && who.role !== 'operator') {
    throw new KeywrightError('forbidden', 'only an operator may add operators')
  }
  if (isProgram(who)) return
  requireRecentSignIn(who, 'inviting somebody')
  if (who.userId !== null) await takeWork(knex, who.userId)
}

/**
 * Checks what of an invitation is there, and invites nobody. It takes what inviting takes, because it tells as well which
 * addresses have users.
 * @throws KeywrightError `invalid_input`, `conflict`, with every fault at its field; and as `checkMayInvite`
 */
export const checkInvitation = operation<Partial<Invitation>, void>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, who, { email, name, role }) => {
    await checkMayInvite(knex, who, role)
    await checkUser(knex, { email, name, role })
  },
)

export const inviteUser = operation<Invitation, Invited>(
  { role: 'admin', scope: 'users:write' },
  async ({ knex }, who, { email, name, role, emailVerified, ...wanted }) => {
    await checkMayInvite(knex, who, role)
    const accountId = role === 'operator' ? null : accountOfNewObject(who, wanted.accountId)
    const person = { email, role, accountId, emailVerified, ...(name !== undefined && { name }) }
    if (isProgram(who)) return { user: await addUserWithoutPassword(knex, person, who.actor), password: null }
    return await addUser(knex, person, who.actor)
  },
)
