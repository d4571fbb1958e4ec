import { z } from 'zod'
import type { Api } from '../../apis/apis.ts'
import {
  type ApiDetails,
  type ApiView,
  changeApi,
  declareApi,
  inspectApi,
  listApis,
  readApi,
  rotateApiSecret,
} from '../../management/api-operations.ts'
import { newCredentials, overlap, storedSecret } from '../client-fields.ts'
import {
  apiIdentifier,
  bounded,
  clientId,
  pageOf,
  pageQuery,
  revision,
  seconds,
  secret,
  timestamp,
  viewPage,
} from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'APIs'

const described = z.object({
  scope: z.string(),
  title: z.string().meta({ description: 'The title that users see on the consent page' }),
  description: z.string(),
})

const settings = {
  token_ttl: seconds,
  policy: z.enum(['none', 'single']).meta({ description: 'single: a new token revokes the earlier one' }),
  signing_alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
  token_type: z
    .enum(['at+jwt', 'JWT'])
    .meta({ description: 'The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)' }),
  is_default: z.boolean().meta({ description: 'The API of requests that name none' }),
}

const attributes = { identifier: apiIdentifier, ...settings, built_in: z.boolean(), created_at: timestamp, revision }

const plain = z.object({ ...attributes, scopes: z.array(z.string()) }).meta({ id: 'ApiSettings' })

const api = z
  .object({
    ...attributes,
    scopes: z.array(described),
    client_id: clientId.nullable().meta({ description: 'The client with which the API introspects tokens' }),
    secrets: z.array(storedSecret).optional().meta({ description: 'Visible to operators only' }),
    callers: bounded
      .optional()
      .meta({ description: 'Applications and key pairs that may call the API; visible to operators only' }),
  })
  .meta({ id: 'Api' })

const text = z.strictObject({ title: z.string().max(20_000), description: z.string().max(20_000).default('') })

const scopeFields = {
  scopes: z
    .array(z.string().max(1000))
    .max(1000)
    .meta({ examples: [['invoices:read']] }),
  texts: z
    .record(z.string().max(1000), text)
    .optional()
    .meta({ description: 'The title and description that users see, by scope' }),
}

const change = z
  .strictObject({ ...settings, ...scopeFields })
  .partial()
  .meta({ id: 'ApiChange', examples: [{ token_ttl: 900 }] })

const declaration = z
  .strictObject({
    identifier: apiIdentifier,
    ...scopeFields,
    token_ttl: settings.token_ttl.default(3600),
    policy: settings.policy.default('none'),
    signing_alg: settings.signing_alg.default('ES256'),
    token_type: settings.token_type.default('at+jwt'),
    is_default: settings.is_default.default(false),
  })
  .meta({ id: 'NewApi', examples: [{ identifier: 'https://api.example.com', scopes: ['invoices:read'] }] })

const created = z.object({ client_id: clientId, client_secret: secret, api: plain }).meta({
  id: 'CreatedApi',
  description: 'The credentials with which the API introspects tokens; shown only in this response',
})

const newSecret = z
  .object({ client_id: newCredentials.client_id, client_secret: secret })
  .meta({ id: 'ApiCredentials' })

const pathParams = z
  .strictObject({ identifier: apiIdentifier })
  .meta({ description: 'Percent-encoded: https%3A%2F%2Fapi.example.com' })

const view = ({ api: one, ...rest }: ApiView | ApiDetails) => ({ ...toWire(one), ...toWire(rest) })

const toReply = (one: Api) => ({ body: toWire(one), revision: one.revision })

export const API_DECLARATION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/apis',
    operation: listApis,
    id: 'listApis',
    tag: TAG,
    summary: 'List APIs, oldest first',
    query: z.strictObject({
      search: z.string().max(500).optional().meta({ description: 'A part of the identifier, or a complete scope' }),
      ...pageQuery,
    }),
    responses: { 200: pageOf(api) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listApis(management, who, toDomain(query)), view),
    }),
  }),
  route({
    method: 'post',
    path: '/apis',
    operation: declareApi,
    id: 'createApi',
    tag: TAG,
    summary: 'Create an API',
    body: declaration,
    responses: { 201: created },
    idempotent: true,
    etag: true,
    async handle({ management, who, body: { texts, ...rest } }) {
      const made = await declareApi(management, who, { ...toDomain(rest), texts })
      return { body: toWire(made), revision: made.api.revision }
    },
  }),
  route({
    method: 'get',
    path: '/apis/{identifier}',
    operation: readApi,
    id: 'readApi',
    tag: TAG,
    summary: 'Retrieve an API',
    params: pathParams,
    responses: { 200: api },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readApi(management, who, params)
      const details = who.role === 'operator' ? await inspectApi(management, who, { id: one.api.id }) : one
      return { body: view(details), revision: details.api.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/apis/{identifier}',
    operation: changeApi,
    id: 'updateApi',
    tag: TAG,
    summary: 'Update an API',
    description:
      'Removing a scope revokes the access tokens, refresh tokens and consents that have it; others stay valid.',
    params: pathParams,
    body: change,
    responses: { 200: plain },
    etag: true,
    async handle({ management, who, params, body: { texts, ...rest }, ifMatch }) {
      const changes = toDomain(rest)
      return toReply(await changeApi(management, who, { ...params, changes, texts, revision: ifMatch }))
    },
  }),
  route({
    method: 'post',
    path: '/apis/{identifier}/secrets',
    operation: rotateApiSecret,
    id: 'rotateApiSecret',
    tag: TAG,
    summary: 'Rotate the client secret with which the API introspects tokens',
    params: pathParams,
    body: z.strictObject({ overlap }).meta({ id: 'ApiSecretRotation', examples: [{ overlap: 3600 }] }),
    responses: { 201: newSecret },
    idempotent: true,
    handle: async ({ management, who, params, body }) => ({
      body: toWire(await rotateApiSecret(management, who, { ...params, ...body })),
    }),
  }),
]
