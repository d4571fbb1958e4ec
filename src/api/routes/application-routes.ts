import { z } from 'zod'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../../clients/client-attributes.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../../clients/grant-types.ts'
import {
  archiveApplication,
  listApplications,
  readApplication,
  restoreApplication,
  retireApplicationSecret,
  rotateApplicationSecret,
  updateApplication,
} from '../../management/application-operations.ts'
import { createApplication } from '../../management/new-applications.ts'
import { type Attribute, attributesWhere } from '../../shared/attributes.ts'
import { credentials, toCreatedReply, viewApplication, viewClient } from '../application-views.ts'
import { attributeSchemas, fromWireValues } from '../attribute-schemas.ts'
import { access, newCredentials, overlap, settings, use } from '../client-fields.ts'
import { bounded, clientId, id, idText, pageOf, pageQuery, revision, search, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Applications'

const status = z.enum(['active', 'archived'])

const summary = z
  .object({
    client_id: clientId,
    name: z.string(),
    status: z.enum(['active', 'archived', 'replaced']),
    account_id: idText.nullable().meta({ description: 'Null: an application of the instance' }),
    account_name: z.string().nullable(),
    grants: z.array(z.string()),
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
  })
  .meta({ id: 'ApplicationSummary' })

const attributes = {
  client_id: clientId,
  status: z.enum(['active', 'archived', 'replaced']),
  account_id: idText.nullable(),
  ...settings,
  created_at: timestamp,
  revision,
}

const client = z.object(attributes).meta({ id: 'ApplicationSettings' })

const application = z
  .object({
    ...attributes,
    account_name: z.string().nullable(),
    ...use,
    active_refresh_tokens: bounded.meta({ description: 'Valid refresh tokens' }),
    users: bounded.meta({ description: 'Users who gave consent' }),
    api_enabled: z.boolean().meta({ description: 'Whether the API is enabled for the instance and the account' }),
    choosable_apis: z.array(z.object({ identifier: z.string(), scopes: z.array(z.string()) })),
  })
  .meta({ id: 'Application' })

const isChangeable = ({ isFixed }: Attribute) => !isFixed

const change = z
  .strictObject({ ...attributeSchemas(attributesWhere(CLIENT_ATTRIBUTES, isChangeable)), ...access })
  .partial()
  .meta({ id: 'ApplicationChange', examples: [{ name: 'Billing export', access_token_ttl: 900 }] })

const EXAMPLE = { name: 'Billing export', grants: [CLIENT_CREDENTIALS_GRANT] }

const creation = z
  .strictObject({
    // The instance's defaults apply to what is left out.
    ...z.strictObject({ ...settings, ...access }).partial().shape,
    name: settings.name,
    grants: settings.grants,
    account_id: id
      .nullable()
      .optional()
      .meta({ description: 'Default: the account of the caller; null: the instance (operators only)' }),
  })
  .meta({ id: 'NewApplication', examples: [EXAMPLE] })

const created = z.object({ ...newCredentials, application: client }).meta({ id: 'CreatedApplication' })

const restored = z
  .object({ ...client.shape, client_secret: newCredentials.client_secret, api_key: newCredentials.api_key })
  .meta({ id: 'RestoredApplication' })

const changed = z.object({ application: client, api_key: newCredentials.api_key }).meta({ id: 'ChangedApplication' })

const toChange = (body: object) => ({
  ...fromWireValues(ACCESS_ATTRIBUTES, body),
  settings: fromWireValues(CLIENT_ATTRIBUTES, body),
})

const pathParams = z.strictObject({ client_id: clientId })

const secretParams = z.strictObject({ client_id: clientId, secret_id: z.string().regex(/^\d{1,15}$/) })

export const APPLICATION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/applications',
    operation: listApplications,
    id: 'listApplications',
    tag: TAG,
    summary: 'List applications, newest first',
    query: z.strictObject({
      search: search.optional(),
      status: status.optional(),
      account_id: id.optional(),
      created_by: id.optional().meta({ description: 'The id of the user who created the application' }),
      ...pageQuery,
    }),
    responses: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listApplications(management, who, toDomain(query)), toWire),
    }),
  }),
  route({
    method: 'post',
    path: '/applications',
    operation: createApplication,
    id: 'createApplication',
    tag: TAG,
    summary: 'Create an application',
    body: creation,
    responses: { 201: created },
    idempotent: true,
    etag: true,
    async handle({ management, who, body: { account_id, ...body } }) {
      const { settings: others, ...apiAccess } = toChange(body)
      const { name, grants } = body
      const input = { ...apiAccess, settings: { ...others, name, grants }, accountId: account_id }
      return toCreatedReply(await createApplication(management, who, input), who)
    },
  }),
  route({
    method: 'get',
    path: '/applications/{client_id}',
    operation: readApplication,
    id: 'readApplication',
    tag: TAG,
    summary: 'Retrieve an application',
    params: pathParams,
    responses: { 200: application },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readApplication(management, who, { clientId: params.client_id })
      return { body: viewApplication(one, who), revision: one.client.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/applications/{client_id}',
    operation: updateApplication,
    id: 'updateApplication',
    tag: TAG,
    summary: 'Update an application',
    description:
      'Revokes the access tokens, refresh tokens, authorization codes and consents that exceed the new access; others stay valid. The response holds an API key when the application requires one from now on.',
    params: pathParams,
    body: change,
    responses: { 200: changed },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const input = { ...toChange(body), clientId: params.client_id, revision: ifMatch }
      const { client: after, apiKey } = await updateApplication(management, who, input)
      const updated = { application: viewClient(after, who), ...(apiKey && { api_key: apiKey }) }
      return { body: updated, revision: after.revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/archive',
    operation: archiveApplication,
    id: 'archiveApplication',
    tag: TAG,
    summary: 'Archive an application; revokes all its tokens',
    params: pathParams,
    responses: { 200: client },
    etag: true,
    async handle({ management, who, params }) {
      const after = await archiveApplication(management, who, { clientId: params.client_id })
      return { body: viewClient(after, who), revision: after.revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/restore',
    operation: restoreApplication,
    id: 'restoreApplication',
    tag: TAG,
    summary: 'Restore an archived application; revoked tokens stay revoked',
    description:
      'The application gets a new client secret, shown only in this response, because the previous one may have leaked. Set keep_secret to keep the previous secret.',
    params: pathParams,
    body: z.strictObject({ keep_secret: z.boolean().default(false) }).meta({ id: 'Restoration', examples: [{}] }),
    responses: { 200: restored },
    idempotent: true,
    etag: true,
    async handle({ management, who, params, body }) {
      const input = { clientId: params.client_id, keepSecret: body.keep_secret }
      const { client: after, ...secrets } = await restoreApplication(management, who, input)
      return { body: { ...viewClient(after, who), ...credentials(secrets) }, revision: after.revision }
    },
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/secrets/{secret_id}',
    operation: retireApplicationSecret,
    id: 'retireApplicationSecret',
    tag: TAG,
    summary: 'Revoke a previous client secret before its overlap ends, with the tokens that it obtained',
    params: secretParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await retireApplicationSecret(management, who, { clientId: params.client_id, secretId: Number(params.secret_id) })
      return {}
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/secrets',
    operation: rotateApplicationSecret,
    id: 'rotateApplicationSecret',
    tag: TAG,
    summary: 'Rotate the client secret, and the API key if the application requires one',
    params: pathParams,
    body: z.strictObject({ overlap }).meta({ id: 'SecretRotation', examples: [{ overlap: 3600 }] }),
    responses: { 201: created },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, params, body }) =>
      toCreatedReply(await rotateApplicationSecret(management, who, { ...body, clientId: params.client_id }), who),
  }),
]
