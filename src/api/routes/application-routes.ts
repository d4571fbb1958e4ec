import { z } from 'zod'
import type { ClientSettings } from '../../clients/client-settings.ts'
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
import { parseRateLimit } from '../../shared/rate-limit-format.ts'
import { credentials, shown, viewApplication, viewClient } from '../application-views.ts'
import { accessType, newCredentials, overlap, rateLimit, reach, settings, use } from '../client-fields.ts'
import { bounded, clientId, id, idText, moment, pageOf, pageQuery, revision, search, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Applications'

const status = z.enum(['active', 'archived'])

const forOperators = {
  access_type: accessType.optional().meta({ description: 'For whom it may act; for operators alone' }),
  rate_limit: rateLimit.optional().meta({ description: 'N/s, N/min or N/h; null: none; for operators alone' }),
}

const summary = z
  .object({
    client_id: clientId,
    name: z.string(),
    status: z.enum(['active', 'archived', 'replaced']),
    account_id: idText.nullable().meta({ description: "Null: the instance's own" }),
    account_name: z.string().nullable(),
    grants: z.array(z.string()),
    created_at: moment,
    last_used_at: moment.nullable(),
  })
  .meta({ id: 'ApplicationSummary' })

const bare = {
  client_id: clientId,
  status: z.enum(['active', 'archived', 'replaced']),
  account_id: idText.nullable(),
  ...settings,
  ...forOperators,
  created_at: moment,
  revision,
}

const client = z.object(bare).meta({ id: 'ApplicationSettings' })

const application = z
  .object({
    ...bare,
    account_name: z.string().nullable(),
    ...use,
    grants_held: bounded.meta({ description: 'Refresh tokens that still work' }),
    people: bounded.meta({ description: 'How many people allowed it something' }),
    api_enabled: z.boolean().meta({ description: "Neither the instance's API nor the account's is switched off" }),
    choosable_apis: z.array(z.object({ identifier: z.string(), scopes: z.array(z.string()) })),
  })
  .meta({ id: 'Application' })

const change = z
  .strictObject({ ...settings, ...reach, ...forOperators })
  .partial()
  .meta({ id: 'ApplicationChange', examples: [{ name: 'Billing export', access_token_ttl: 900 }] })

const EXAMPLE = { name: 'Billing export', grants: ['client_credentials'] }

const creation = z
  .strictObject({
    ...change.shape,
    name: settings.name,
    grants: settings.grants,
    account_id: id
      .nullable()
      .optional()
      .meta({ description: "Absent: the caller's own; null: the instance's, for operators alone" }),
  })
  .meta({ id: 'NewApplication', examples: [EXAMPLE] })

const created = z.object({ ...newCredentials, application: client }).meta({ id: 'CreatedApplication' })

const restored = z
  .object({ ...client.shape, client_secret: newCredentials.client_secret, api_key: newCredentials.api_key })
  .meta({ id: 'RestoredApplication' })

const changed = z.object({ application: client, api_key: newCredentials.api_key }).meta({ id: 'ChangedApplication' })

function toChange({ apis, scopes, rate_limit, ...rest }: z.output<typeof change>) {
  const limit = rate_limit && parseRateLimit(rate_limit)
  const plain: Partial<ClientSettings> = toDomain(rest)
  return { apis, scopes, settings: { ...plain, ...(limit !== undefined && { rateLimit: limit || null }) } }
}

const which = z.strictObject({ client_id: clientId })

const ofSecret = z.strictObject({ client_id: clientId, secret_id: z.string().regex(/^\d{1,15}$/) })

export const APPLICATION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/applications',
    operation: listApplications,
    id: 'listApplications',
    tag: TAG,
    summary: 'Applications, the newest first',
    query: z.strictObject({
      search: search.optional(),
      status: status.optional(),
      account_id: id.optional(),
      created_by: id.optional().meta({ description: 'The id of the user who added them' }),
      ...pageQuery,
    }),
    answers: { 200: pageOf(summary) },
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
    summary: 'Register an application',
    body: creation,
    answers: { 201: created },
    idempotent: true,
    etag: true,
    async handle({ management, who, body: { account_id, name, grants, ...rest } }) {
      const { settings: more, ...reached } = toChange(rest)
      const input = { ...reached, settings: { ...more, name, grants }, accountId: account_id }
      return shown(await createApplication(management, who, input), who)
    },
  }),
  route({
    method: 'get',
    path: '/applications/{client_id}',
    operation: readApplication,
    id: 'readApplication',
    tag: TAG,
    summary: 'One application with its use',
    params: which,
    answers: { 200: application },
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
    summary: 'Change an application',
    description:
      'Tokens, refresh tokens, codes and consents that exceed the new rights are revoked; tokens within them stay active. An API key is in the answer when the application needs one from now on.',
    params: which,
    body: change,
    answers: { 200: changed },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const input = { ...toChange(body), clientId: params.client_id, revision: ifMatch }
      const { client: after, apiKey } = await updateApplication(management, who, input)
      const body_ = { application: viewClient(after, who), ...(apiKey && { api_key: apiKey }) }
      return { body: body_, revision: after.revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/archive',
    operation: archiveApplication,
    id: 'archiveApplication',
    tag: TAG,
    summary: 'Stop an application, with all that it holds',
    params: which,
    answers: { 200: client },
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
    summary: 'Let an archived application work again; what it held stays revoked',
    description:
      'It gets a new secret, which is in the answer and never shown again, because the archived one may have leaked. With keep_secret the archived one works again.',
    params: which,
    body: z.strictObject({ keep_secret: z.boolean().default(false) }).meta({ id: 'Restoration', examples: [{}] }),
    answers: { 200: restored },
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
    summary: 'End a previous secret before its overlap is over, with the tokens that it obtained',
    params: ofSecret,
    answers: { 204: null },
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
    summary: 'A new secret, and a new API key where it needs one',
    params: which,
    body: z.strictObject({ overlap }).meta({ id: 'SecretRotation', examples: [{ overlap: 3600 }] }),
    answers: { 201: created },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, params, body }) =>
      shown(await rotateApplicationSecret(management, who, { ...body, clientId: params.client_id }), who),
  }),
]
