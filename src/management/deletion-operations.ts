import { PERMISSIONS } from '../accounts/permissions.ts'
import { type ClientRow, toClient } from '../clients/clients.ts'
import { checkAccountMayBeDeleted, deleteSomeOfAccount, startAccountDeletion } from './account-deletion.ts'
import { checkApiMayBeDeleted, deleteUnusedApi } from './api-deletion.ts'
import { checkMayBeDeleted, deleteSomeOfClient, startClientDeletion } from './client-deletion.ts'
import { repeatDeletion } from './deletion-progress.ts'
import { readAffected } from './dry-run.ts'
import { accountTarget, userTarget } from './dry-run-owner-targets.ts'
import { applicationTarget, clientOfApiTarget } from './dry-run-targets.ts'
import { endMembership } from './membership-end.ts'
import { destructiveOperation } from './operation.ts'
import { isCommandLine, type Principal } from './principal.ts'
import { applicationFor, userFor } from './tenant-isolation.ts'
import { lockForChange } from './user-changes.ts'
import { checkUserMayBeDeleted, deleteSomeOfUser, startUserDeletion } from './user-deletion.ts'

/** `deleting`: a job deletes the rest. Nothing of the object works, and it cannot be restored. */
export type DeletionState = 'deleted' | 'deleting'

/** Rows of each table that one transaction deletes. */
const BATCH = 500

/** Transactions within one request; a job makes those that are left. */
const STEPS_PER_REQUEST = 10

const stateAfter = async (steps: number, step: () => Promise<boolean>): Promise<DeletionState> =>
  (await repeatDeletion(steps, step)) ? 'deleted' : 'deleting'

/** A user or an account takes a while, so the job deletes it. The command line works without a server, so it waits. */
const stepsFor = (principal: Principal): number => (isCommandLine(principal) ? Number.POSITIVE_INFINITY : 0)

/**
 * Deletes an archived application. Its client ID is not used again, and its tokens stay revoked.
 * @throws KeywrightError `not_found`, `conflict` (the application is not archived)
 */
export const deleteApplication = destructiveOperation<{ clientId: string }, DeletionState>(
  PERMISSIONS.manageApplications,
  {
    async run({ knex }, principal, { clientId }) {
      await applicationFor(knex, principal, clientId)
      const { key } = await startClientDeletion(knex, clientId, principal.actor)
      return await stateAfter(STEPS_PER_REQUEST, () => deleteSomeOfClient(knex, key, BATCH))
    },
    async affected({ knex }, principal, { clientId }) {
      await applicationFor(knex, principal, clientId)
      const target = applicationTarget(principal, clientId)
      const check = (row: ClientRow) => {
        target.check?.(row)
        checkMayBeDeleted(toClient(row))
      }
      return await readAffected(knex, principal, { ...target, check })
    },
  },
)

/**
 * Deletes a disabled user with their key pairs, consents and refresh tokens, and erases their personal data in the activity log.
 * Applications that they added stay. An admin of one of several accounts of the user removes them from that account only.
 * @throws KeywrightError `not_found`, `conflict` (the user is active), `insufficient_user_authentication`
 */
export const deleteUser = destructiveOperation<{ userId: string }, DeletionState>(PERMISSIONS.manageUsers, {
  async run({ knex }, principal, { userId }) {
    const user = await userFor(knex, principal, userId)
    const { accountId } = principal
    if (accountId !== null && user.hasOtherAccounts) {
      await knex.transaction(async (trx) => {
        checkUserMayBeDeleted(await lockForChange(trx, userId, { accountId }))
        await endMembership(trx, { userId, accountId }, principal.actor)
      })
      return 'deleted'
    }
    await startUserDeletion(knex, userId, principal.actor)
    return await stateAfter(stepsFor(principal), () => deleteSomeOfUser(knex, userId, BATCH))
  },
  affected: ({ knex }, principal, { userId }) =>
    readAffected(knex, principal, userTarget(principal, userId, { check: checkUserMayBeDeleted })),
})

/**
 * Deletes a disabled account with its users, applications and key pairs.
 * @throws KeywrightError `not_found`, `conflict` (the account is active), `insufficient_user_authentication`
 */
export const deleteAccount = destructiveOperation<{ accountId: string }, DeletionState>(PERMISSIONS.manageAccounts, {
  async run({ knex }, principal, { accountId }) {
    await startAccountDeletion(knex, accountId, principal.actor)
    return await stateAfter(stepsFor(principal), () => deleteSomeOfAccount(knex, accountId, BATCH))
  },
  affected: ({ knex }, principal, { accountId }) =>
    readAffected(knex, principal, accountTarget(accountId, { users: true, check: checkAccountMayBeDeleted })),
})

/**
 * Deletes an API that no client may call and whose tokens have expired. Removing an API from a client revokes the tokens.
 * @throws KeywrightError `not_found`, `conflict`
 */
export const deleteApi = destructiveOperation<{ identifier: string }, void>(PERMISSIONS.manageApis, {
  run: async ({ knex }, principal, { identifier }) => await deleteUnusedApi(knex, identifier, principal.actor),
  async affected({ knex }, principal, { identifier }) {
    await checkApiMayBeDeleted(knex, identifier)
    return await readAffected(knex, principal, clientOfApiTarget(identifier))
  },
})
