import { z } from 'zod'
import { listUserIdentities, removeUserIdentity } from '../../management/user-identity-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const identity = z
  .object({
    id: idText,
    provider_id: idText,
    provider_name: z.string(),
    subject: z.string().meta({ description: 'The claim `sub` of the provider' }),
    username: z
      .string()
      .nullable()
      .meta({ description: 'What the provider calls the user: an address or a user name, as of the last sign-in' }),
    created_at: timestamp,
    last_used_at: timestamp.nullable().meta({ description: 'null: never' }),
  })
  .meta({ id: 'UserIdentity' })

export const USER_IDENTITY_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users/{user_id}/identities',
    operation: listUserIdentities,
    id: 'listIdentitiesOfUser',
    tag: 'Users',
    summary: 'List who a user is at identity providers',
    params: z.strictObject({ user_id: id }),
    responses: { 200: z.object({ items: z.array(identity) }) },
    handle: async ({ management, who, params }) => ({
      body: {
        items: (await listUserIdentities(management, who, toDomain(params))).map(({ providerAccountId: _, ...one }) =>
          toWire(one),
        ),
      },
    }),
  }),
  route({
    method: 'delete',
    path: '/users/{user_id}/identities/{identity_id}',
    operation: removeUserIdentity,
    id: 'removeIdentityOfUser',
    tag: 'Users',
    summary: 'Disconnect a user from an identity provider',
    description: 'Ends the sessions that began with the identity.',
    params: z.strictObject({ user_id: id, identity_id: id }),
    responses: { 204: null },
    async handle({ management, who, params }) {
      await removeUserIdentity(management, who, toDomain(params))
      return {}
    },
  }),
]
