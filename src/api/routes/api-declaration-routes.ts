import { z } from 'zod'
import { API_ATTRIBUTES } from '../../apis/api-attributes.ts'
import type { NewApi } from '../../apis/api-settings.ts'
import type { Api } from '../../apis/apis.ts'
import {
  type ApiDetails,
  type ApiView,
  changeApi,
  declareApi,
  inspectApi,
  listApis,
  readApi,
} from '../../management/api-operations.ts'
import type { Principal } from '../../management/principal.ts'
import { type Attribute, attributesWhere } from '../../shared/attributes.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, creationSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { storedSecret } from '../client-fields.ts'
import { jwksOfApi, jwksUriOfApi, keyFetch, secretOfApi } from '../credential-fields.ts'
import { apiIdentifier, bounded, clientId, pageOf, pageQuery, revision, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'APIs'

const translation = z.object({ title: z.string(), description: z.string() })

const described = z.object({
  scope: z.string(),
  title: z.string().meta({ description: 'The title that users see on the consent page' }),
  description: z.string(),
  translations: z.record(z.string(), translation).meta({
    description: 'Title and description by language tag (RFC 5646), for pages in these languages',
  }),
})

const attributes = {
  ...attributeSchemas(API_ATTRIBUTES),
  built_in: z.boolean(),
  created_at: timestamp,
  revision,
}

const plain = z.object(attributes).meta({ id: 'ApiSettings' })

const api = z
  .object({
    ...attributes,
    scopes: z.array(described),
    client_id: clientId.nullable().meta({ description: 'The client with which the API introspects tokens' }),
    secrets: z.array(storedSecret).optional().meta({ description: 'Visible to operators only' }),
    auth_method: z.enum(['client_secret', 'private_key_jwt']).nullable().optional().meta({
      description:
        'How this client authenticates; null for the management API, which has none. Visible to operators only',
    }),
    jwks_uri: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'Where the API publishes its public keys; visible to operators only' }),
    key_fetch: keyFetch.optional(),
    callers: bounded
      .optional()
      .meta({ description: 'Applications and key pairs that may call the API; visible to operators only' }),
  })
  .meta({ id: 'Api' })

const title = z.string().max(20_000)
const description = z.string().max(20_000)

const translations = z
  .record(z.string().max(1000), z.strictObject({ title, description: description.default('') }).nullable())
  .meta({
    description:
      'Title and description by language tag (RFC 5646); null removes a language, and languages that are left out stay',
  })

const text = z.strictObject({
  title: title.optional().meta({ description: 'Left out: title and description stay' }),
  description: description.optional().meta({ description: 'Empty if it is left out beside a title' }),
  translations: translations.optional(),
})

const texts = z
  .record(z.string().max(1000), text)
  .optional()
  .meta({
    description: 'The title and description that users see, by scope, also in other languages',
    examples: [
      {
        'invoices:read': {
          title: 'View your invoices',
          translations: { de: { title: 'Ihre Rechnungen ansehen', description: '' } },
        },
      },
    ],
  })

const isChangeable = ({ isFixed }: Attribute) => !isFixed

const change = z
  .strictObject({ ...attributeSchemas(attributesWhere(API_ATTRIBUTES, isChangeable)), texts })
  .partial()
  .meta({ id: 'ApiChange', examples: [{ token_ttl: 900 }] })

const declaration = z
  .strictObject({ ...creationSchemas(API_ATTRIBUTES), texts, jwks: jwksOfApi, jwks_uri: jwksUriOfApi })
  .meta({ id: 'NewApi', examples: [{ identifier: 'https://api.example.com', scopes: ['invoices:read'] }] })

const created = z.object({ client_id: clientId, client_secret: secretOfApi, api: plain }).meta({
  id: 'CreatedApi',
  description: 'The credentials with which the API introspects tokens; shown only in this response',
})

export const apiPathParams = z
  .strictObject({ identifier: apiIdentifier })
  .meta({ description: 'Percent-encoded: https%3A%2F%2Fapi.example.com' })

const viewApi = (one: Api, who: Principal) => {
  const { builtIn, createdAt, revision } = one
  return { ...toWireValues(API_ATTRIBUTES, one, who), ...toWire({ builtIn, createdAt, revision }) }
}

/** The keys of `translations` are language tags, which `toWire` would rename. */
const view = ({ api: one, scopes, ...rest }: ApiView | ApiDetails, who: Principal) => ({
  ...viewApi(one, who),
  ...toWire(rest),
  scopes: scopes.map(({ translations, ...text }) => ({ ...text, translations: { ...translations } })),
})

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
      body: viewPage(await listApis(management, who, toDomain(query)), (one) => view(one, who)),
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
    async handle({ management, who, body: { texts, jwks, jwks_uri, ...values } }) {
      const declared = fromWireValues(API_ATTRIBUTES, values) as NewApi
      const { api, ...credentials } = await declareApi(management, who, { ...declared, texts, jwks, jwksUri: jwks_uri })
      return { body: { ...toWire(credentials), api: viewApi(api, who) }, revision: api.revision }
    },
  }),
  route({
    method: 'get',
    path: '/apis/{identifier}',
    operation: readApi,
    id: 'readApi',
    tag: TAG,
    summary: 'Retrieve an API',
    params: apiPathParams,
    responses: { 200: api },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readApi(management, who, params)
      const details = who.role === 'operator' ? await inspectApi(management, who, { id: one.api.id }) : one
      return { body: view(details, who), revision: details.api.revision }
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
    params: apiPathParams,
    body: change,
    responses: { 200: plain },
    etag: true,
    async handle({ management, who, params, body: { texts, ...values }, ifMatch }) {
      const changes = fromWireValues(API_ATTRIBUTES, values)
      const changed = await changeApi(management, who, { ...params, changes, texts, revision: ifMatch })
      return { body: viewApi(changed, who), revision: changed.revision }
    },
  }),
]
