import { PERMISSIONS } from '../accounts/permissions.ts'
import { listUserSessions, type UserSession } from '../accounts/user-sessions.ts'
import { operation } from './operation.ts'
import { personFor } from './tenant-isolation.ts'

/** The sessions of a user, the one that was used last first. `revokeAllOfUser` ends them. @throws KeywrightError `not_found` */
export const listSessions = operation<{ userId: string }, readonly UserSession[]>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { userId }) => {
    const { id } = await personFor(knex, principal, userId)
    return await listUserSessions(knex, id)
  },
)
