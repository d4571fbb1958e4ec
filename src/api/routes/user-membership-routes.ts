import { z } from 'zod'
import { ACCOUNT_ROLE } from '../../accounts/user-attributes.ts'
import {
  addMembership,
  listMemberships,
  removeMembership,
  updateMembership,
} from '../../management/membership-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const { role } = attributeSchemas({ role: ACCOUNT_ROLE })

const status = z.enum(['active', 'disabled']).meta({
  description: 'disabled: the user cannot act in this account, and what they had there is revoked',
})

const membership = z
  .object({
    user_id: idText,
    account_id: idText,
    account_name: z.string(),
    role,
    status,
    is_first: z.boolean().meta({ description: 'The account in which the user acts after a sign-in' }),
    waits_for: z.enum(['confirmed_address', 'proof_of_mailbox']).nullable().meta({
      description:
        'What has to happen before the user acts in the account with a password, passkey or connected application of their own. confirmed_address: an operator, or a service of yours, names the address of the user. proof_of_mailbox: the user proves it, under *Switch account*. Console sessions and sign-ins that are fixed to the account need neither.',
    }),
    created_at: timestamp,
  })
  .meta({ id: 'Membership' })

const addition = z
  .strictObject({
    account_id: id,
    role,
    email: z.string().optional().meta({
      description: 'The address of the user whom you mean. Another one is a `conflict`; this one counts as confirmed.',
    }),
  })
  .meta({
    id: 'NewMembership',
    examples: [{ account_id: '0198a5f2-6c1e-7d3a-9a4b-2f6c8e1d5b7a', role: 'developer', email: 'ada@example.com' }],
  })

const change = z
  .strictObject({ role: role.optional(), status: status.optional() })
  .refine((given) => Object.keys(given).length > 0, 'give role or status')
  .meta({ id: 'MembershipChange', examples: [{ role: 'viewer' }] })

const userParams = z.strictObject({ user_id: id })

const pathParams = z.strictObject({ user_id: id, account_id: id })

const TAG = 'Users'

export const USER_MEMBERSHIP_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users/{user_id}/memberships',
    operation: listMemberships,
    id: 'listMemberships',
    tag: TAG,
    summary: 'List the accounts that a user belongs to, the first account first',
    description: 'Admins see the membership in their own account only.',
    params: userParams,
    responses: { 200: z.object({ items: z.array(membership) }) },
    handle: async ({ management, who, params }) => ({
      body: { items: (await listMemberships(management, who, toDomain(params))).map(toWire) },
    }),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/memberships',
    operation: addMembership,
    id: 'addMembership',
    tag: TAG,
    summary: 'Add a user to a further account',
    description:
      'Nobody asks the user. An admin of their other account may have chosen their address, or set up how they sign in, so name the address that you know: until it is confirmed, and the user has proven the mailbox, they act in the account only in sessions that your service opens (`waits_for`).',
    params: userParams,
    body: addition,
    responses: { 201: membership },
    idempotent: true,
    handle: async ({ management, who, params, body }) => ({
      body: toWire(await addMembership(management, who, { ...toDomain(params), ...toDomain(body) })),
    }),
  }),
  route({
    method: 'patch',
    path: '/users/{user_id}/memberships/{account_id}',
    operation: updateMembership,
    id: 'updateMembership',
    tag: TAG,
    summary: 'Change the role of a user in an account, or disable or enable them there',
    description:
      'A user who becomes a viewer or member of the account, or is disabled there, loses their key pairs of that account permanently. A user of one account only is disabled altogether.',
    params: pathParams,
    body: change,
    responses: { 200: membership },
    handle: async ({ management, who, params, body }) => ({
      body: toWire(await updateMembership(management, who, { ...toDomain(params), ...toDomain(body) })),
    }),
  }),
  route({
    method: 'delete',
    path: '/users/{user_id}/memberships/{account_id}',
    operation: removeMembership,
    id: 'removeMembership',
    tag: TAG,
    summary: 'Remove a user from an account',
    description:
      'Revokes the key pairs of the user in the account and the tokens that came of the membership. Fails with `conflict` for the only account of a user: disable and delete the user instead.',
    params: pathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await removeMembership(management, who, toDomain(params))
      return {}
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await removeMembership.dryRun(management, who, toDomain(params))),
  }),
]
