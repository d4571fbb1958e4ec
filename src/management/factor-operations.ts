import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { revokeSessionsOfUser } from '../accounts/user-access.ts'
import { type User, userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { removeAllFactors } from '../factors/factor-changes.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'
import { lockPerson, personFor } from './tenant-isolation.ts'

export interface FactorReset {
  readonly user: User
  /** How many authenticator apps and passkeys were removed. */
  readonly removed: number
}

/** The sessions end too: a finder of the lost device may be signed in. */
async function resetAll(knex: Knex, principal: Principal, userId: string): Promise<FactorReset> {
  return await knex.transaction(async (trx) => {
    const { id } = await lockPerson(trx, principal, userId)
    const removed = await removeAllFactors(trx, id)
    const user = await revokeSessionsOfUser(trx, id)
    await recordAudit(trx, principal.actor, userEntry('user.factors_reset', user, { removed }))
    return { user, removed }
  })
}

/**
 * A session alone must not be enough to weaken the sign-in of a user. An application that acts for itself may, for example
 * for a help desk: the password of the user is still required.
 */
function checkMayReset(principal: Principal): void {
  if (isProgram(principal) && principal.userId === null) return
  requireRecentSignIn(principal, 'resetting second factors')
}

/**
 * Removes every passkey and authenticator app of a user who has lost them, with the recovery codes, and ends the sessions of the user. If the
 * user must have a second factor, the next sign-in asks to set one up.
 * @throws KeywrightError also `insufficient_user_authentication`
 */
export const resetFactors = operation<{ userId: string }, FactorReset>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId }) => {
    await personFor(knex, principal, userId)
    checkMayReset(principal)
    return await resetAll(knex, principal, userId)
  },
)
