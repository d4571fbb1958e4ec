import { z } from 'zod'
import { type InitialAccessToken, MAX_INITIAL_ACCESS_TOKENS } from '../../clients/initial-access-tokens.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from '../../clients/registration-attributes.ts'
import {
  generateInitialAccessToken,
  INITIAL_ACCESS_TOKEN_DAYS,
  listInitialAccessTokens,
  readInitialAccessToken,
  revokeInitialAccessToken,
} from '../../management/initial-access-token-operations.ts'
import type { Principal } from '../../management/principal.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Initial access tokens'

const pathParams = z.strictObject({ initial_access_token_id: id })

const values = attributeSchemas(INITIAL_ACCESS_TOKEN_ATTRIBUTES)

const initialAccessToken = z
  .object({
    id: idText,
    account_id: idText,
    last_four: z.string(),
    ...values,
    uses: z.number().int().meta({ description: 'The applications that registered with it' }),
    created_at: timestamp,
    expires_at: timestamp,
    last_used_at: timestamp.nullable().meta({ description: 'Null: never' }),
  })
  .meta({ id: 'InitialAccessToken' })

const account = id.optional().meta({ description: 'For operators, who must name it; default: the own account' })

const creation = z
  .strictObject({
    account_id: account,
    ...z.strictObject(values).partial().shape,
    days: z
      .number()
      .int()
      .min(INITIAL_ACCESS_TOKEN_DAYS.least)
      .max(INITIAL_ACCESS_TOKEN_DAYS.most)
      .optional()
      .meta({ description: `When it expires; default: ${INITIAL_ACCESS_TOKEN_DAYS.default}` }),
  })
  .meta({ id: 'NewInitialAccessToken', examples: [{ max_uses: 1, days: 7 }] })

function view(
  { id: tokenId, accountId, lastFour, uses, createdAt, expiresAt, ...rest }: InitialAccessToken,
  who: Principal,
) {
  return {
    ...toWire({ id: tokenId, accountId, lastFour, uses, createdAt, expiresAt, lastUsedAt: rest.lastUsedAt }),
    ...toWireValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, rest, who),
  }
}

export const INITIAL_ACCESS_TOKEN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/initial-access-tokens',
    operation: listInitialAccessTokens,
    id: 'listInitialAccessTokens',
    tag: TAG,
    summary: 'List the initial access tokens of an account',
    query: z.strictObject({ account_id: account }),
    responses: {
      200: z.object({
        items: z.array(initialAccessToken),
        is_enabled: z.boolean().meta({ description: 'Whether the operator lets applications register with them' }),
      }),
    },
    async handle({ management, who, query }) {
      const { tokens, isEnabled } = await listInitialAccessTokens(management, who, toDomain(query))
      return { body: { items: tokens.map((token) => view(token, who)), is_enabled: isEnabled } }
    },
  }),
  route({
    method: 'post',
    path: '/initial-access-tokens',
    operation: generateInitialAccessToken,
    id: 'generateInitialAccessToken',
    tag: TAG,
    summary: 'Generate an initial access token',
    description: `Applications register themselves with it at \`POST /oauth2/register\` (RFC 7591), and belong to the account. An account has at most ${MAX_INITIAL_ACCESS_TOKENS}. Not allowed with a token that acts for a user.`,
    body: creation,
    responses: {
      201: z
        .object({
          initial_access_token: initialAccessToken,
          token: z.string().meta({ description: 'Shown only in this response' }),
        })
        .meta({ id: 'InitialAccessTokenWithSecret' }),
    },
    idempotent: true,
    async handle({ management, who, body: { account_id: accountId, days, ...given } }) {
      const input = { accountId, days, ...fromWireValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, given) }
      const { token, secret } = await generateInitialAccessToken(management, who, input)
      return { body: { initial_access_token: view(token, who), token: secret } }
    },
  }),
  route({
    method: 'get',
    path: '/initial-access-tokens/{initial_access_token_id}',
    operation: readInitialAccessToken,
    id: 'readInitialAccessToken',
    tag: TAG,
    summary: 'Retrieve an initial access token, without its text',
    params: pathParams,
    responses: { 200: initialAccessToken },
    handle: async ({ management, who, params }) => ({
      body: view(await readInitialAccessToken(management, who, toDomain(params)), who),
    }),
  }),
  route({
    method: 'delete',
    path: '/initial-access-tokens/{initial_access_token_id}',
    operation: revokeInitialAccessToken,
    id: 'revokeInitialAccessToken',
    tag: TAG,
    summary: 'Revoke an initial access token; registered applications stay',
    params: pathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await revokeInitialAccessToken(management, who, toDomain(params))
      return {}
    },
  }),
]
