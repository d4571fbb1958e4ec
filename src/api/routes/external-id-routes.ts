import { z } from 'zod'
import { ACCOUNT_ATTRIBUTES } from '../../accounts/account-attributes.ts'
import { PROFILE_ATTRIBUTES, USER_ATTRIBUTES } from '../../accounts/user-attributes.ts'
import { upsertAccount } from '../../management/account-upsert.ts'
import type { Upserted } from '../../management/create-or-update.ts'
import { upsertUser } from '../../management/user-upsert.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, fromWireValues } from '../attribute-schemas.ts'
import { LINES_LIMITS, runLines } from '../body-lines.ts'
import { id, idText } from '../fields.ts'
import { problemSchema } from '../openapi-responses.ts'
import { type ApiRoute, route } from '../route.ts'
import { account } from './account-routes.ts'
import { user } from './user-routes.ts'

const { external_id: _, name, ...ofAccounts } = attributeSchemas(ACCOUNT_ATTRIBUTES)

const accountBody = z.strictObject({ name, ...z.object(ofAccounts).partial().shape })

const { external_id: __, email, ...ofProfiles } = attributeSchemas(PROFILE_ATTRIBUTES)

const { role } = attributeSchemas(USER_ATTRIBUTES)

const userBody = z.strictObject({
  email,
  ...z.object(ofProfiles).partial().shape,
  role: role.optional().meta({ description: 'Absent: the present role; a new user becomes a member' }),
  account_id: id
    .nullable()
    .optional()
    .meta({ description: 'The account of a new user, required unless the role is operator; it cannot change' }),
})

/** The operation reports an ID that is not valid, at this parameter. */
const externalId = z.string().meta({ description: 'Your own ID, percent-encoded', examples: ['cus_8Jx2'] })

const pathParams = z.strictObject({ external_id: externalId })

const accountLine = z
  .strictObject({ external_id: externalId, ...accountBody.shape })
  .meta({ id: 'AccountLine', examples: [{ external_id: 'cus_8Jx2', name: 'ACME Corp' }] })

const userLine = z.strictObject({ external_id: externalId, ...userBody.shape }).meta({
  id: 'UserLine',
  examples: [{ external_id: 'usr_17', email: 'ada@example.com', account_id: null, role: 'operator' }],
})

const lineResult = z
  .object({
    line: z.number().int().meta({ description: 'The number of the line in the request; the first is 1' }),
    status: z.enum(['created', 'updated', 'unchanged', 'failed']),
    id: idText.optional(),
    external_id: z.string().optional(),
    problem: problemSchema.omit({ instance: true }).optional().meta({ description: 'Of a line that failed' }),
  })
  .meta({ id: 'UpsertedLine' })

/** 201 if the object is new. */
const toReply = <One extends { readonly revision: number }>({ object, status }: Upserted<One>) => ({
  status: status === 'created' ? 201 : 200,
  body: toWire(object) as never,
})

const toLine = ({ object, status }: Upserted<{ readonly id: string; readonly externalId: string | null }>) => ({
  status,
  id: object.id,
  external_id: object.externalId!,
})

const ONE = `Concurrent and repeated requests have the effect of one. What is left out stays as it is; metadata is replaced as a whole.`

const LINES = `The body is in JSON lines, at most ${LINES_LIMITS.lines}. Each line is applied by itself, in order, and the response has a line for each. If the connection breaks, send the request again.`

const accountOf = (body: z.output<typeof accountBody>, external: string) => ({
  ...fromWireValues(ACCOUNT_ATTRIBUTES, body),
  name: body.name,
  externalId: external,
})

/** Objects by the IDs that they have in the systems of the company. */
export const EXTERNAL_ID_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'put',
    path: '/accounts/by-external-id/{external_id}',
    operation: upsertAccount,
    id: 'upsertAccount',
    tag: 'Accounts',
    summary: 'Create or update the account with this external ID',
    description: ONE,
    params: pathParams,
    body: accountBody.meta({ id: 'AccountUpsert', examples: [{ name: 'ACME Corp', metadata: { plan: 'gold' } }] }),
    responses: { 200: account, 201: account },
    handle: async ({ management, who, params, body }) =>
      toReply(await upsertAccount(management, who, accountOf(body, params.external_id))),
  }),
  route({
    method: 'post',
    path: '/accounts/upsert',
    operation: upsertAccount,
    id: 'upsertAccounts',
    tag: 'Accounts',
    summary: 'Create or update many accounts by their external IDs',
    description: LINES,
    lineBody: accountLine,
    lines: true,
    responses: { 200: lineResult },
    handle: async ({ management, who, bodyLines }) => ({
      lines: runLines(bodyLines!, accountLine, async ({ external_id, ...body }) =>
        toLine(await upsertAccount(management, who, accountOf(body, external_id))),
      ),
    }),
  }),
  route({
    method: 'put',
    path: '/users/by-external-id/{external_id}',
    operation: upsertUser,
    id: 'upsertUser',
    tag: 'Users',
    summary: 'Create or update the user with this external ID',
    description: `${ONE} A new user has no password. An address that another user has is a conflict, also if that user has no external ID.`,
    params: pathParams,
    body: userBody.meta({ id: 'UserUpsert', examples: [{ email: 'ada@example.com', role: 'operator' }] }),
    responses: { 200: user, 201: user },
    handle: async ({ management, who, params, body }) =>
      toReply(await upsertUser(management, who, { ...toDomain(body), externalId: params.external_id })),
  }),
  route({
    method: 'post',
    path: '/users/upsert',
    operation: upsertUser,
    id: 'upsertUsers',
    tag: 'Users',
    summary: 'Create or update many users by their external IDs',
    description: LINES,
    lineBody: userLine,
    lines: true,
    responses: { 200: lineResult },
    handle: async ({ management, who, bodyLines }) => ({
      lines: runLines(bodyLines!, userLine, async (body) => toLine(await upsertUser(management, who, toDomain(body)))),
    }),
  }),
]
