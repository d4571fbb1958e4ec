import { z } from 'zod'
import { deleteAccount, deleteApi, deleteUser } from '../../management/deletion-operations.ts'
import { exportUserData } from '../../management/user-data-export.ts'
import { toDomain } from '../../shared/wire-names.ts'
import { deletionReply, deletionResponses } from '../deletions.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { id } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { apiPathParams } from './api-declaration-routes.ts'

const userParams = z.strictObject({ user_id: id })

const userData = z
  .object({
    kind: z.enum([
      'profile',
      'membership',
      'identity',
      'passkey',
      'second_factor',
      'session',
      'consent',
      'grant',
      'key_pair',
      'identity_provider',
      'application',
      'activity',
    ]),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'UserData' })

export const DELETION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'delete',
    path: '/users/{user_id}',
    operation: deleteUser,
    id: 'deleteUser',
    tag: 'Users',
    summary: 'Delete a disabled user, and erase their personal data in the activity log',
    description:
      'Deletes the key pairs, consents and refresh tokens of the user. Applications that the user added stay. Events of the user stay in the activity log without their name, email address and IP addresses.',
    params: userParams,
    responses: deletionResponses,
    handle: async ({ management, who, params }) => deletionReply(await deleteUser(management, who, toDomain(params))),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await deleteUser.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}/export',
    operation: exportUserData,
    id: 'exportUserData',
    tag: 'Users',
    summary: 'Export what is stored about a user as JSON lines',
    params: userParams,
    responses: { 200: userData },
    lines: true,
    handle: async ({ management, who, params }) => ({ lines: await exportUserData(management, who, toDomain(params)) }),
  }),
  route({
    method: 'delete',
    path: '/accounts/{account_id}',
    operation: deleteAccount,
    id: 'deleteAccount',
    tag: 'Accounts',
    summary: 'Delete a disabled account with its users, applications and key pairs; their tokens stay revoked',
    params: z.strictObject({ account_id: id }),
    responses: deletionResponses,
    handle: async ({ management, who, params }) =>
      deletionReply(await deleteAccount(management, who, toDomain(params))),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await deleteAccount.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'delete',
    path: '/apis/{identifier}',
    operation: deleteApi,
    id: 'deleteApi',
    tag: 'APIs',
    summary: 'Delete an API that no client may call and whose tokens have expired',
    params: apiPathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await deleteApi(management, who, params)
      return {}
    },
    dryRun: async ({ management, who, params }) => viewDryRun(await deleteApi.dryRun(management, who, params)),
  }),
]
