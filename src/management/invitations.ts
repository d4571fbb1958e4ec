import type { Knex } from 'knex'
import { findCredentialsById } from '../accounts/credentials.ts'
import { mayChooseFirstPassword } from '../accounts/password-reset-requests.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { invitationBudget, takeAttempt, takeWork } from '../accounts/sign-in-limits.ts'
import { addUser, addUserWithoutPassword } from '../accounts/user-administration.ts'
import { PROFILE_ATTRIBUTES, type Role, USER_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { checkProfile } from '../accounts/user-checks.ts'
import { findUserById, lockUser, type NewUser, type Profile, type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { createLink } from '../mail/mail-links.ts'
import { addMessage } from '../mail/outbox.ts'
import { normalizedValues } from '../shared/attribute-values.ts'
import { isOperatorChoice } from '../shared/attributes.ts'
import { invalidInput, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { type Management, operation } from './operation.ts'
import { checkOperatorAttributes } from './operator-attributes.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { accountOfNewObject, addressRulesOf, personFor } from './tenant-isolation.ts'

type Invitation = Partial<Profile> &
  Pick<User, 'email' | 'role'> & {
    /** Absent: the principal's own account. */
    readonly accountId?: string | null | undefined
    /** Whether the user receives a link by e-mail to choose a password. */
    readonly sendInvitation?: boolean | undefined
  }

/**
 * The password is shown once and works for one sign-in. Null for a program, which never receives a password, and for a user
 * who received a link by e-mail.
 */
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
 * Validates the given part of an invitation without inviting. It requires what an invitation requires, because it reveals to an
 * operator as well which email addresses have users.
 * @throws KeywrightError `invalid_input`, `conflict`, with each error at its field; and as `checkMayInvite`
 */
export const checkInvitation = operation<Partial<Invitation>, void>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { role, ...values }) => {
    await checkMayInvite(knex, principal, role)
    checkOperatorAttributes(principal, PROFILE_ATTRIBUTES, values)
    const accountId = values.accountId ?? principal.accountId
    const owner = { role, accountId, ...addressRulesOf(principal) }
    await checkProfile(knex, normalizedValues(PROFILE_ATTRIBUTES, values), owner)
  },
)

/** A program must not get a way to sign in, so it sends no invitations. @throws KeywrightError `invalid_input`, `forbidden` */
function checkMaySendInvitation({ mail }: Management, principal: Principal): void {
  if (isProgram(principal)) throw new KeywrightError('forbidden', 'a program cannot send invitations')
  if (!mail)
    throw invalidInput('this instance sends no e-mail; an operator configures it with SMTP_URL', 'sendInvitation')
}

/** Every message to an address counts, because its owner may not want any. @throws RateLimitedError */
async function takeMessage(knex: Knex, email: string): Promise<void> {
  const wait = await takeAttempt(knex, invitationBudget(email))
  if (wait !== undefined) throw new RateLimitedError(wait)
}

/** Adds the message with the link, and its audit event. */
async function addInvitation(trx: Knex, { id }: User, actor: Actor): Promise<void> {
  const user = (await findUserById(trx, id))!
  const linkId = await createLink(trx, { purpose: 'invitation', userId: id, email: user.email })
  await addMessage(trx, { kind: 'invitation', to: user, parameters: { account: user.accountName }, linkId })
  await recordAudit(trx, actor, userEntry('user.invitation_sent', user))
}

async function inviteByMail(knex: Knex, newUser: NewUser, actor: Actor): Promise<Invited> {
  await takeMessage(knex, newUser.email)
  return await knex.transaction(async (trx) => {
    const user = await addUserWithoutPassword(trx, newUser, actor)
    await addInvitation(trx, user, actor)
    return { user, password: null }
  })
}

export const inviteUser = operation<Invitation, Invited>(
  PERMISSIONS.manageUsers,
  async (management, principal, { role, accountId: wanted, sendInvitation = false, ...profile }) => {
    const { knex } = management
    await checkMayInvite(knex, principal, role)
    checkOperatorAttributes(principal, PROFILE_ATTRIBUTES, profile)
    const accountId = role === 'operator' ? null : accountOfNewObject(principal, wanted ?? undefined)
    const added = { invitedBy: principal.userId, ...addressRulesOf(principal) }
    const newUser = { ...profile, role, accountId, ...added }
    if (sendInvitation) {
      checkMaySendInvitation(management, principal)
      return await inviteByMail(knex, newUser, principal.actor)
    }
    if (isProgram(principal))
      return { user: await addUserWithoutPassword(knex, newUser, principal.actor), password: null }
    return await addUser(knex, newUser, principal.actor)
  },
)

/** Whether the user has not accepted an invitation, and may receive another one. */
async function checkInvited(trx: Knex, user: User): Promise<void> {
  const person = await findCredentialsById(trx, user.id)
  if (!person?.mayAct) throw new KeywrightError('conflict', `${user.email} is disabled`)
  if (!mayChooseFirstPassword(person)) {
    throw new KeywrightError('conflict', `${user.email} has received a password; reset it instead`)
  }
}

/**
 * Sends another invitation to a user who never had a password. Earlier links keep working.
 * @throws KeywrightError `conflict`, `invalid_input` (the instance sends no e-mail), `rate_limited`; and as `inviteUser`
 */
export const sendInvitation = operation<{ userId: string }, User>(
  PERMISSIONS.manageUsers,
  async (management, principal, { userId }) => {
    const { knex } = management
    const { role, email } = await personFor(knex, principal, userId)
    checkMaySendInvitation(management, principal)
    await checkMayInvite(knex, principal, role)
    await takeMessage(knex, email)
    return await knex.transaction(async (trx) => {
      const user = await lockUser(trx, userId)
      await checkInvited(trx, user)
      await addInvitation(trx, user, principal.actor)
      return user
    })
  },
)
