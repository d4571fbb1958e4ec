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
  moment,
  pageOf,
  pageQuery,
  revision,
  seconds,
  secret,
  viewPage,
} from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'APIs'

const described = z.object({
  scope: z.string(),
  title: z.string().meta({ description: 'What people read before they allow it' }),
  description: z.string(),
})

const settings = {
  token_ttl: seconds,
  policy: z.enum(['none', 'single']).meta({ description: 'single: a new token ends the one before' }),
  signing_alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
  token_type: z
    .enum(['at+jwt', 'JWT'])
    .meta({ description: 'The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)' }),
  is_default: z.boolean().meta({ description: 'Meant where no API is named' }),
}

const bare = { identifier: apiIdentifier, ...settings, built_in: z.boolean(), created_at: moment, revision }

const plain = z.object({ ...bare, scopes: z.array(z.string()) }).meta({ id: 'ApiSettings' })

const api = z
  .object({
    ...bare,
    scopes: z.array(described),
    client_id: clientId.nullable().meta({ description: 'By which it introspects' }),
    secrets: z.array(storedSecret).optional().meta({ description: 'For operators alone' }),
    callers: bounded
      .optional()
      .meta({ description: 'Applications and key pairs that may call it; for operators alone' }),
  })
  .meta({ id: 'Api' })

const text = z.strictObject({ title: z.string().max(20_000), description: z.string().max(20_000).default('') })

const said = {
  scopes: z
    .array(z.string().max(1000))
    .max(1000)
    .meta({ examples: [['invoices:read']] }),
  texts: z.record(z.string().max(1000), text).optional().meta({ description: 'What people read, by scope' }),
}

const change = z
  .strictObject({ ...settings, ...said })
  .partial()
  .meta({ id: 'ApiChange', examples: [{ token_ttl: 900 }] })

const declaration = z
  .strictObject({
    identifier: apiIdentifier,
    ...said,
    token_ttl: settings.token_ttl.default(3600),
    policy: settings.policy.default('none'),
    signing_alg: settings.signing_alg.default('ES256'),
    token_type: settings.token_type.default('at+jwt'),
    is_default: settings.is_default.default(false),
  })
  .meta({ id: 'NewApi', examples: [{ identifier: 'https://api.example.com', scopes: ['invoices:read'] }] })

const created = z
  .object({ client_id: clientId, client_secret: secret, api: plain })
  .meta({ id: 'CreatedApi', description: "The API's own credentials, by which it introspects: shown this once" })

const renewed = z.object({ client_id: newCredentials.client_id, client_secret: secret }).meta({ id: 'ApiCredentials' })

const which = z
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
    summary: 'APIs, the oldest first',
    query: z.strictObject({
      search: z.string().max(500).optional().meta({ description: 'A part of the identifier, or a whole scope' }),
      ...pageQuery,
    }),
    answers: { 200: pageOf(api) },
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
    summary: 'Declare an API',
    body: declaration,
    answers: { 201: created },
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
    summary: 'One API',
    params: which,
    answers: { 200: api },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readApi(management, who, params)
      const whole = who.role === 'operator' ? await inspectApi(management, who, { id: one.api.id }) : one
      return { body: view(whole), revision: whole.api.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/apis/{identifier}',
    operation: changeApi,
    id: 'updateApi',
    tag: TAG,
    summary: 'Change an API',
    description:
      'Tokens, refresh tokens and consents with a scope that is removed are revoked; others stay as they are.',
    params: which,
    body: change,
    answers: { 200: plain },
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
    summary: "A new secret of the API's own client, by which it introspects",
    params: which,
    body: z.strictObject({ overlap }).meta({ id: 'ApiSecretRotation', examples: [{ overlap: 3600 }] }),
    answers: { 201: renewed },
    idempotent: true,
    handle: async ({ management, who, params, body }) => ({
      body: toWire(await rotateApiSecret(management, who, { ...params, ...body })),
    }),
  }),
]
