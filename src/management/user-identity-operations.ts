import { PERMISSIONS } from '../accounts/permissions.ts'
import { type AccountOfUser, lockUser, type User, userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { deleteIdentity, listIdentities, type UserIdentity } from '../identity-providers/user-identities.ts'
import { notFound } from '../shared/errors.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { mayManagePerson, userFor } from './tenant-isolation.ts'

/** Who the user is at identity providers, without those of other accounts. @throws KeywrightError `not_found` */
export const listUserIdentities = operation<{ userId: string }, readonly UserIdentity[]>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { userId }) => {
    const user = await userFor(knex, principal, userId)
    return (await listIdentities(knex, user.id)).filter((identity) => isVisible(principal, user, identity))
  },
)

/** An identity at a provider of the instance is for all accounts of the user. */
const isVisible = (principal: Principal, user: User & AccountOfUser, { providerAccountId }: UserIdentity): boolean =>
  providerAccountId === null
    ? mayManagePerson(principal, user)
    : principal.role === 'operator' || providerAccountId === principal.accountId

/** Removes an identity of a user, which ends the sessions that began with it. @throws KeywrightError `not_found` */
export const removeUserIdentity = operation<{ userId: string; identityId: string }, void>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId, identityId }) => {
    await userFor(knex, principal, userId)
    await knex.transaction(async (trx) => {
      await lockUser(trx, userId)
      const user = await userFor(trx, principal, userId)
      const found = (await listIdentities(trx, userId)).find(({ id }) => id === identityId)
      if (!found || !isVisible(principal, user, found)) throw notFound('identity', identityId)
      await deleteIdentity(trx, { userId, identityId })
      const detail = { identity_provider: found.providerId, provider: found.providerName }
      await recordAudit(
        trx,
        principal.actor,
        userEntry('user.identity_removed', user, detail, { subject: found.subject }),
      )
    })
  },
)
