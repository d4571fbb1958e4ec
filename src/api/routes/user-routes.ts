import { z } from 'zod'
import type { SettableStatus } from '../../accounts/account-attributes.ts'
import { mayOwnKeyPairs } from '../../accounts/permissions.ts'
import { ACCOUNT_ROLE, USER_ATTRIBUTES } from '../../accounts/user-attributes.ts'
import type { User } from '../../accounts/users.ts'
import { type DryRunResult, NOTHING_AFFECTED } from '../../management/dry-run.ts'
import { sendVerification } from '../../management/email-verification-operations.ts'
import { resetFactors } from '../../management/factor-operations.ts'
import { inviteUser } from '../../management/invitations.ts'
import { searchUsers } from '../../management/user-list.ts'
import { givePassword, readUser, setRole, setUserStatus, updateUser } from '../../management/user-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, visibleValues } from '../attribute-schemas.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { externalIdFilter } from '../external-id-filter.ts'
import { bounded, clientId, id, idText, pageOf, pageQuery, revision, search, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'

export const USER_TAG = 'Users'

const { status, role, account_id, ...profile } = attributeSchemas(USER_ATTRIBUTES)

const attributes = { id: idText, account_id, ...profile, role, status, revision }

export const user = z.object(attributes).meta({ id: 'User' })

const derived = {
  account_name: z.string().nullable(),
  created_at: timestamp,
  is_invited: z.boolean().meta({ description: 'The user has not yet set their own password' }),
  has_password: z
    .boolean()
    .meta({ description: 'False until an admin gives the user a one-time password in the console or CLI' }),
  last_signed_in_at: timestamp.nullable(),
}

const summary = z.object({ ...attributes, ...derived }).meta({ id: 'UserSummary' })

const details = z
  .object({
    ...attributes,
    ...derived,
    key_pair: clientId.nullable().meta({ description: 'The default key pair of the user' }),
    named_key_pairs: z.number().int().meta({ description: 'Active named key pairs' }),
    authenticator_apps: z.number().int().meta({ description: 'Authenticator apps that the user signs in with' }),
    passkeys: z.number().int().meta({ description: 'Passkeys that the user signs in with' }),
    recovery_codes: z.number().int().meta({ description: 'Unused recovery codes' }),
    applications: z.number().int().meta({ description: 'Applications that the user gave consent to' }),
    own_tokens: bounded,
    application_tokens: bounded,
    is_last_admin: z.boolean().meta({ description: 'The user is the last active admin of the account' }),
  })
  .meta({ id: 'UserDetails' })

const profileChange = z.strictObject(profile).partial().shape

const invitation = z
  .strictObject({
    ...profileChange,
    email: profile.email,
    role,
    account_id: id.optional().meta({ description: 'Default: the account of the caller' }),
  })
  .meta({ id: 'Invitation', examples: [{ email: 'ada@example.com', role: 'member' }] })

const change = z
  .strictObject({ ...profileChange, role: attributeSchemas({ role: ACCOUNT_ROLE }).role.optional() })
  .meta({ id: 'UserChange', examples: [{ role: 'admin' }] })

export const userPathParams = z.strictObject({ user_id: id })

type ParamsCall = Call<z.output<typeof userPathParams>>

/** The user as this caller may see them. */
const view = <One extends User>(one: One, { who }: Pick<Call, 'who'>) =>
  toWire(visibleValues(USER_ATTRIBUTES, one, who))

export const toUserReply = (one: User, call: Pick<Call, 'who'>) => ({ body: view(one, call), revision: one.revision })

const setStatus = (to: SettableStatus) => async (call: ParamsCall) =>
  toUserReply(await setUserStatus(call.management, call.who, { userId: call.params.user_id, status: to }), call)

/** Changes the role first, which checks the revision, and the other attributes in the same transaction: both or neither. */
async function updateRoleAndDetails({ management, who, params, body, ifMatch }: UpdateCall) {
  const { role: to, ...rest } = toDomain(body)
  const userId = params.user_id
  return await management.knex.transaction(async (knex) => {
    const inTransaction = { ...management, knex }
    const changed = to && (await setRole(inTransaction, who, { userId, role: to, revision: ifMatch }))
    if (changed && Object.keys(rest).length === 0) return changed
    return await updateUser(inTransaction, who, { userId, ...rest, ...(!changed && { revision: ifMatch }) })
  })
}

/** Only a user who may no longer own key pairs loses something. */
async function describeUpdate({ management, who, params, body }: UpdateCall): Promise<DryRunResult> {
  const effect = await setRole.dryRun(management, who, toDomain(params))
  return body.role === undefined || mayOwnKeyPairs(body.role) ? NOTHING_AFFECTED : effect
}

type Change = z.output<typeof change>

type UpdateCall = Call<z.output<typeof userPathParams>, unknown, Change>

export const USER_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users',
    operation: searchUsers,
    id: 'listUsers',
    tag: USER_TAG,
    summary: 'List users, sorted by email address',
    query: z.strictObject({
      search: search.optional(),
      role: role.optional(),
      status: status.optional(),
      account_id: id.optional(),
      external_id: externalIdFilter,
      ...pageQuery,
    }),
    responses: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await searchUsers(management, who, toDomain(query)), (one) => view(one, { who })),
    }),
  }),
  route({
    method: 'post',
    path: '/users',
    operation: inviteUser,
    id: 'inviteUser',
    tag: USER_TAG,
    summary: 'Create a user',
    description:
      'The user has no password until someone gives them a one-time password in the console or with `keywright user reset-password`. The API never returns passwords. An address that a user of another account has is a conflict only for operators: otherwise that person joins the account with their own user, by an invitation.',
    body: invitation,
    responses: { 201: user },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, body }) =>
      toUserReply((await inviteUser(management, who, toDomain(body))).user, { who }),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}',
    operation: readUser,
    id: 'readUser',
    tag: USER_TAG,
    summary: 'Retrieve a user',
    params: userPathParams,
    responses: { 200: details },
    etag: true,
    async handle({ management, who, params }) {
      // `GET /users/{user_id}/sessions` lists the sessions. Listing applications requires applications:read: `GET /applications?created_by=` lists these.
      const { addedApplications: _, sessions: __, ...one } = await readUser(management, who, toDomain(params))
      return { body: view(one, { who }), revision: one.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/users/{user_id}',
    operation: updateUser,
    id: 'updateUser',
    tag: USER_TAG,
    summary: "Update a user's name, email address or role",
    description:
      'A user who becomes a member loses their key pairs permanently. A token that acts for a user, such as the token of a key pair, cannot change an email address. The address of a user who has signed in is changed only by the user and by operators.',
    params: userPathParams,
    body: change,
    responses: { 200: user },
    etag: true,
    handle: async (call) => toUserReply(await updateRoleAndDetails(call), call),
    dryRun: async (call) => viewDryRun(await describeUpdate(call)),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/disable',
    operation: setUserStatus,
    id: 'disableUser',
    tag: USER_TAG,
    summary: 'Disable a user; revokes their sessions and tokens',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: setStatus('disabled'),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await setUserStatus.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/enable',
    operation: setUserStatus,
    id: 'enableUser',
    tag: USER_TAG,
    summary: 'Enable a user; revoked sessions and tokens stay revoked',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: setStatus('active'),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/password',
    operation: givePassword,
    id: 'resetPassword',
    tag: USER_TAG,
    summary: "Remove a user's password and revoke their sessions",
    description:
      'The user cannot sign in until someone gives them a one-time password in the console or with `keywright user reset-password`. The API never returns passwords. Not allowed for the caller, and for the last admin or operator who can sign in.',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: async ({ management, who, params }) =>
      toUserReply((await givePassword(management, who, toDomain(params))).user, { who }),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/send-verification',
    operation: sendVerification,
    id: 'sendVerification',
    tag: USER_TAG,
    summary: 'Send a user a link to verify their email address',
    description:
      'The link works once, for one day, and signs nobody in. Fails with `conflict` if the address is verified, and with `invalid_input` if the instance sends no email.',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: async ({ management, who, params }) =>
      toUserReply(await sendVerification(management, who, toDomain(params)), { who }),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/reset-factors',
    operation: resetFactors,
    id: 'resetFactors',
    tag: USER_TAG,
    summary: "Remove a user's passkeys and second factors and revoke their sessions",
    description:
      'For a user who has lost the passkeys, the authenticator app and the recovery codes. The password alone is then enough to sign in; a user who must have a second factor sets one up at the next sign-in. Not allowed with a token that acts for a user, such as the token of a key pair.',
    params: userPathParams,
    responses: { 200: user },
    etag: true,
    handle: async ({ management, who, params }) =>
      toUserReply((await resetFactors(management, who, toDomain(params))).user, { who }),
  }),
]
