import { z } from 'zod'
import type { User } from '../../accounts/users.ts'
import { inviteUser } from '../../management/invitations.ts'
import {
  givePassword,
  readUser,
  searchUsers,
  setRole,
  setUserStatus,
  updateUser,
} from '../../management/user-operations.ts'
import {
  bounded,
  clientId,
  email,
  id,
  idText,
  moment,
  name,
  pageOf,
  pageQuery,
  revision,
  search,
  viewPage,
} from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'People'

const role = z.enum(['operator', 'admin', 'member'])
const status = z.enum(['active', 'disabled'])

const bare = {
  id: idText,
  account_id: idText.nullable().meta({ description: 'Null for an operator' }),
  email: z.string(),
  email_verified: z.boolean(),
  name: z.string().nullable(),
  role,
  status,
  revision,
}

const user = z.object(bare).meta({ id: 'User' })

const seen = {
  account_name: z.string().nullable(),
  created_at: moment,
  is_invited: z.boolean().meta({ description: 'They have not yet chosen a password of their own' }),
  has_password: z.boolean().meta({ description: 'False until a person gives them a one-time password' }),
  last_signed_in_at: moment.nullable(),
}

const summary = z.object({ ...bare, ...seen }).meta({ id: 'UserSummary' })

const details = z
  .object({
    ...bare,
    ...seen,
    key_pair: clientId.nullable(),
    applications: z.number().int().meta({ description: 'How many they allowed something' }),
    own_tokens: bounded,
    held_tokens: bounded,
    is_last_admin: z.boolean().meta({ description: 'Without them their account has no active admin' }),
  })
  .meta({ id: 'UserDetails' })

const EMAIL_VERIFIED =
  'You assert that the address belongs to the user; applications then get the claim `email_verified`'

const invitation = z
  .strictObject({
    email,
    role,
    name: name.optional(),
    email_verified: z.boolean().optional().meta({ description: EMAIL_VERIFIED }),
    account_id: id.optional().meta({ description: "Absent: the caller's own" }),
  })
  .meta({ id: 'Invitation', examples: [{ email: 'ada@example.com', role: 'member' }] })

const change = z
  .strictObject({
    email,
    name,
    role: z.enum(['admin', 'member']),
    email_verified: z.boolean().meta({ description: EMAIL_VERIFIED }),
  })
  .partial()
  .meta({ id: 'UserChange', examples: [{ role: 'admin' }] })

const which = z.strictObject({ user_id: id })

type OfOne = Call<z.output<typeof which>>

const toReply = (one: User) => ({ body: toWire(one), revision: one.revision })

const setStatus = (to: 'active' | 'disabled') => async (call: OfOne) =>
  toReply(await setUserStatus(call.management, call.who, { userId: call.params.user_id, status: to }))

/** Both or neither: the role first, which is held to the revision, and what is left in the same transaction. */
async function changeUserInForm({
  management,
  who,
  params,
  body,
  ifMatch,
}: Call<z.output<typeof which>, unknown, Change>) {
  const { role: to, ...rest } = toDomain(body)
  const userId = params.user_id
  return await management.knex.transaction(async (knex) => {
    const within = { ...management, knex }
    const changed = to && (await setRole(within, who, { userId, role: to, revision: ifMatch }))
    if (changed && Object.keys(rest).length === 0) return changed
    return await updateUser(within, who, { userId, ...rest, ...(!changed && { revision: ifMatch }) })
  })
}

type Change = z.output<typeof change>

export const USER_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users',
    operation: searchUsers,
    id: 'listUsers',
    tag: TAG,
    summary: 'People, in the order of their addresses',
    query: z.strictObject({
      search: search.optional(),
      role: role.optional(),
      status: status.optional(),
      account_id: id.optional(),
      ...pageQuery,
    }),
    answers: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await searchUsers(management, who, toDomain(query)), toWire),
    }),
  }),
  route({
    method: 'post',
    path: '/users',
    operation: inviteUser,
    id: 'inviteUser',
    tag: TAG,
    summary: 'Create a user',
    description:
      'The user has no password. A person gives them a one-time password in the console or with `keywright user reset-password`: a program never receives one.',
    body: invitation,
    answers: { 201: user },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, body }) => toReply((await inviteUser(management, who, toDomain(body))).user),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}',
    operation: readUser,
    id: 'readUser',
    tag: TAG,
    summary: 'One person',
    params: which,
    answers: { 200: details },
    etag: true,
    async handle({ management, who, params }) {
      // A token needs applications:read to see applications: `GET /applications?created_by=` lists these.
      const { addedApplications: _, ...person } = await readUser(management, who, toDomain(params))
      return { body: toWire(person), revision: person.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/users/{user_id}',
    operation: updateUser,
    id: 'saveUserDetails',
    tag: TAG,
    summary: "Change a person's name, address or role",
    description:
      'A user who becomes a member loses their key pair for good. A token that acts for a person, such as the token of a key pair, cannot change an email address.',
    params: which,
    body: change,
    answers: { 200: user },
    etag: true,
    handle: async (call) => toReply(await changeUserInForm(call)),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/disable',
    operation: setUserStatus,
    id: 'disableUser',
    tag: TAG,
    summary: 'Switch a person off, with their sessions and every token in their name',
    params: which,
    answers: { 200: user },
    etag: true,
    handle: setStatus('disabled'),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/enable',
    operation: setUserStatus,
    id: 'enableUser',
    tag: TAG,
    summary: 'Switch a person on again; what ended stays ended',
    params: which,
    answers: { 200: user },
    etag: true,
    handle: setStatus('active'),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/password',
    operation: givePassword,
    id: 'resetPassword',
    tag: TAG,
    summary: "Withdraw a user's password and end their sessions",
    description:
      'They cannot sign in until a person gives them a one-time password in the console or with `keywright user reset-password`: a program never receives one. Refused for the caller, and for the last admin or operator who can sign in.',
    params: which,
    answers: { 200: user },
    etag: true,
    handle: async ({ management, who, params }) =>
      toReply((await givePassword(management, who, toDomain(params))).user),
  }),
]
