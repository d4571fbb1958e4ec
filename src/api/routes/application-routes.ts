import { z } from 'zod'
import { APPLICATION_TYPE_VALUES } from '../../clients/application-types.ts'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../../clients/client-attributes.ts'
import {
  archiveApplication,
  readApplication,
  restoreApplication,
  updateApplication,
} from '../../management/application-operations.ts'
import { archiveApplications, MAX_ARCHIVED } from '../../management/bulk-archive.ts'
import { listApplications } from '../../management/client-list.ts'
import { deleteApplication } from '../../management/deletion-operations.ts'
import { createApplication } from '../../management/new-applications.ts'
import { type Attribute, attributesWhere } from '../../shared/attributes.ts'
import { toDomain } from '../../shared/wire-names.ts'
import { credentials, toCreatedReply, viewApplication, viewClient, viewSummary } from '../application-views.ts'
import { attributeSchemas, fromWireValues } from '../attribute-schemas.ts'
import { access, expiresAt, newCredentials, settings, storedSettings, useOfApplication } from '../client-fields.ts'
import { credentialFields, keyFetch, toCredentials } from '../credential-fields.ts'
import { deletionReply, deletionResponses } from '../deletions.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { externalIdFilter } from '../external-id-filter.ts'
import { bounded, clientId, id, idText, pageOf, pageQuery, revision, search, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Applications'

const status = z.enum(['active', 'archived'])

const summary = z
  .object({
    client_id: clientId,
    name: z.string(),
    status: z.enum(['active', 'archived', 'replaced', 'deleting']),
    account_id: idText.nullable().meta({ description: 'Null: an application of the instance' }),
    account_name: z.string().nullable(),
    grants: z.array(z.string()),
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
  })
  .meta({ id: 'ApplicationSummary' })

const attributes = {
  client_id: clientId,
  status: z.enum(['active', 'archived', 'replaced', 'deleting']),
  account_id: idText.nullable(),
  ...storedSettings,
  created_at: timestamp,
  revision,
}

const client = z.object(attributes).meta({ id: 'ApplicationSettings' })

const application = z
  .object({
    ...attributes,
    account_name: z.string().nullable(),
    ...useOfApplication,
    key_fetch: keyFetch,
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

const creation = z
  .strictObject({
    // The defaults of the type and of the instance apply to what is left out.
    ...z.strictObject({ ...settings, ...access }).partial().shape,
    name: settings.name,
    type: z.enum(APPLICATION_TYPE_VALUES).optional().meta({
      description:
        'What the application is, which gives grants and is_public their values if they are absent; without a type, grants is required. It is not stored.',
    }),
    account_id: id
      .nullable()
      .optional()
      .meta({ description: 'Default: the account of the caller; null: the instance (operators only)' }),
    secret_expires_at: expiresAt,
    ...credentialFields,
  })
  .meta({ id: 'NewApplication', examples: [{ name: 'Billing export', type: 'service' }] })

export const createdApplication = z
  .object({ ...newCredentials, application: client })
  .meta({ id: 'CreatedApplication' })

const restored = z
  .object({ ...client.shape, client_secret: newCredentials.client_secret, api_key: newCredentials.api_key })
  .meta({ id: 'RestoredApplication' })

const changed = z.object({ application: client, api_key: newCredentials.api_key }).meta({ id: 'ChangedApplication' })

const archival = z
  .strictObject({ client_ids: z.array(clientId).min(1).max(MAX_ARCHIVED) })
  .meta({ id: 'ArchivalOfApplications', examples: [{ client_ids: ['kwc_4VxhQ0pZt7mLw2RkN8sYb3'] }] })

const toChange = (body: object) => ({
  ...fromWireValues(ACCESS_ATTRIBUTES, body),
  settings: fromWireValues(CLIENT_ATTRIBUTES, body),
})

const pathParams = z.strictObject({ client_id: clientId })

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
      ...{ account_id: id.optional(), external_id: externalIdFilter },
      created_by: id.optional().meta({ description: 'The id of the user who created the application' }),
      ...pageQuery,
    }),
    responses: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listApplications(management, who, toDomain(query)), viewSummary),
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
    responses: { 201: createdApplication },
    idempotent: true,
    etag: true,
    async handle({ management, who, body: { account_id, secret_expires_at, type, name, ...body } }) {
      const { settings: others, ...apiAccess } = toChange(body)
      const named = { type, accountId: account_id, secretExpiresAt: secret_expires_at }
      const input = { ...apiAccess, settings: { ...others, name }, ...named, ...toCredentials(body) }
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
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await archiveApplication.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}',
    operation: deleteApplication,
    id: 'deleteApplication',
    tag: TAG,
    summary: 'Delete an archived application; its tokens stay revoked',
    params: pathParams,
    responses: deletionResponses,
    handle: async ({ management, who, params }) =>
      deletionReply(await deleteApplication(management, who, { clientId: params.client_id })),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await deleteApplication.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'post',
    path: '/applications/archive',
    operation: archiveApplications,
    id: 'archiveApplications',
    tag: TAG,
    summary: 'Archive several applications; revokes all their tokens',
    description:
      'The response names the applications that were active. The applications are archived one after the other; after an error the request can be repeated.',
    body: archival,
    responses: { 200: z.object({ archived: z.array(clientId) }).meta({ id: 'ArchivedApplications' }) },
    async handle({ management, who, body }) {
      const archived = await archiveApplications(management, who, { clientIds: body.client_ids })
      return { body: { archived: archived.map((one) => one.clientId) } }
    },
    dryRun: async ({ management, who, body }) =>
      viewDryRun(await archiveApplications.dryRun(management, who, { clientIds: body.client_ids })),
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
]
