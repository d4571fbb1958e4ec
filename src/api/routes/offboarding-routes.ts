import { offboardUser } from '../../management/user-offboarding.ts'
import { toDomain } from '../../shared/wire-names.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { type ApiRoute, route } from '../route.ts'
import { toUserReply, USER_TAG, user, userPathParams } from './user-routes.ts'

export const OFFBOARDING_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/users/{user_id}/offboard',
    operation: offboardUser,
    id: 'offboardUser',
    tag: USER_TAG,
    summary: 'Off-board a user: disables them and ends their sessions, consents, key pairs and tokens',
    description:
      'One transaction, which can be repeated. Resource servers that follow the revocation feed refuse the tokens within a second. Enabling the user brings nothing back: they sign in, consent and generate key pairs again.',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: async (call) => toUserReply(await offboardUser(call.management, call.who, toDomain(call.params)), call),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await offboardUser.dryRun(management, who, toDomain(params))),
  }),
]
