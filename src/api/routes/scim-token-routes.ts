import { z } from 'zod'
import { MAX_SCIM_TOKENS, type ScimToken } from '../../accounts/scim-tokens.ts'
import { ACCOUNT_ROLE } from '../../accounts/user-attributes.ts'
import {
  generateScimToken,
  listScimTokens,
  readScimToken,
  revokeScimToken,
  SCIM_TOKEN_DAYS,
} from '../../management/scim-token-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'SCIM tokens'

const pathParams = z.strictObject({ token_id: id })

const role = attributeSchemas({ role: ACCOUNT_ROLE }).role

const scimToken = z
  .object({
    id: idText,
    account_id: idText,
    last_four: z.string(),
    role: role.meta({ description: 'The role of users whom the identity provider adds without one' }),
    created_at: timestamp,
    expires_at: timestamp,
    last_used_at: timestamp.nullable().meta({ description: 'To the minute; null: never' }),
  })
  .meta({ id: 'ScimToken' })

const account = id.optional().meta({ description: 'For operators, who must name it; default: the own account' })

const creation = z
  .strictObject({
    account_id: account,
    role: role.optional(),
    days: z
      .number()
      .int()
      .min(SCIM_TOKEN_DAYS.least)
      .max(SCIM_TOKEN_DAYS.most)
      .optional()
      .meta({ description: `When it expires; default: ${SCIM_TOKEN_DAYS.default}` }),
  })
  .meta({ id: 'NewScimToken', examples: [{ role: 'member', days: 365 }] })

const view = (token: ScimToken) => toWire({ ...token })

export const SCIM_TOKEN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/scim-tokens',
    operation: listScimTokens,
    id: 'listScimTokens',
    tag: TAG,
    summary: 'List the SCIM tokens of an account that work',
    query: z.strictObject({ account_id: account }),
    responses: { 200: z.object({ items: z.array(scimToken) }) },
    handle: async ({ management, who, query }) => ({
      body: { items: (await listScimTokens(management, who, toDomain(query))).map(view) },
    }),
  }),
  route({
    method: 'post',
    path: '/scim-tokens',
    operation: generateScimToken,
    id: 'generateScimToken',
    tag: TAG,
    summary: 'Generate a SCIM token',
    description: `The identity provider of the account adds, changes and off-boards users with it at \`/scim/v2\`, and at the Global Token Revocation endpoint. An account has at most ${MAX_SCIM_TOKENS}, so that one can replace the other. Not allowed with a token that acts for a user.`,
    body: creation,
    responses: {
      201: z
        .object({ scim_token: scimToken, token: z.string().meta({ description: 'Shown only in this response' }) })
        .meta({ id: 'ScimTokenWithSecret' }),
    },
    idempotent: true,
    async handle({ management, who, body }) {
      const { token, secret } = await generateScimToken(management, who, toDomain(body))
      return { body: { scim_token: view(token), token: secret } }
    },
  }),
  route({
    method: 'get',
    path: '/scim-tokens/{token_id}',
    operation: readScimToken,
    id: 'readScimToken',
    tag: TAG,
    summary: 'Retrieve a SCIM token, without its text',
    params: pathParams,
    responses: { 200: scimToken },
    handle: async ({ management, who, params }) => ({
      body: view(await readScimToken(management, who, toDomain(params))),
    }),
  }),
  route({
    method: 'delete',
    path: '/scim-tokens/{token_id}',
    operation: revokeScimToken,
    id: 'revokeScimToken',
    tag: TAG,
    summary: 'Revoke a SCIM token; it stops working at once',
    params: pathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await revokeScimToken(management, who, toDomain(params))
      return {}
    },
  }),
]
