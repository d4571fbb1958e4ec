import { z } from 'zod'
import { MEMBERSHIP_ATTRIBUTES } from '../../accounts/user-attributes.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { clientId, idText } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const caller = z
  .object({
    role: attributeSchemas(MEMBERSHIP_ATTRIBUTES).role,
    account_id: idText.nullable().meta({ description: 'Null for an operator, who belongs to no account' }),
    user_id: idText
      .nullable()
      .meta({ description: 'The user that the caller acts for; null for an application that acts for itself' }),
    acts_as: z.object({ type: z.enum(['client', 'user']), id: z.union([clientId, idText]) }),
    scopes: z.array(z.string()),
  })
  .meta({ id: 'Caller' })

export const ME_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/me',
    operation: { permission: { role: 'member', scope: null } },
    id: 'readMe',
    tag: 'Caller',
    summary: 'Retrieve the caller and the scopes of the token',
    responses: { 200: caller },
    async handle({ who }) {
      const { role, accountId, userId, actor } = who
      const acts_as = { type: actor.type as 'client' | 'user', id: actor.id! }
      return { body: { role, account_id: accountId, user_id: userId, acts_as, scopes: [...(who.scopes ?? [])].sort() } }
    },
  }),
]
