import { PERMISSIONS } from '../accounts/permissions.ts'
import { lockUser, userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { deleteIdentity, listIdentities, type UserIdentity } from '../identity-providers/user-identities.ts'
import { notFound } from '../shared/errors.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { userFor } from './tenant-isolation.ts'

/** Who the user is at identity providers, without those of other accounts. @throws KeywrightError `not_found` */
export const listUserIdentities = operation<{ userId: string }, readonly UserIdentity[]>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { userId }) => {
    const { id } = await userFor(knex, principal, userId)
    return (await listIdentities(knex, id)).filter((identity) => isVisible(principal, identity))
  },
)

const isVisible = ({ role, accountId }: Principal, { providerAccountId }: UserIdentity): boolean =>
  role === 'operator' || providerAccountId === null || providerAccountId === accountId

/** Removes an identity of a user, which ends the sessions that began with it. @throws KeywrightError `not_found` */
export const removeUserIdentity = operation<{ userId: string; identityId: string }, void>(
  PERMISSIONS.manageUsers,
  async ({ knex }, principal, { userId, identityId }) => {
    await userFor(knex, principal, userId)
    await knex.transaction(async (trx) => {
      const user = await lockUser(trx, userId)
      const found = (await listIdentities(trx, userId)).find(({ id }) => id === identityId)
      if (!found || !isVisible(principal, found)) throw notFound('identity', identityId)
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
