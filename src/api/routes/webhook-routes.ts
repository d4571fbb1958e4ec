import { z } from 'zod'
import type { Principal } from '../../management/principal.ts'
import {
  createWebhook,
  deleteWebhook,
  LONGEST_OVERLAP,
  listWebhooks,
  readWebhook,
  rotateWebhookSecret,
  setWebhookStatus,
  updateWebhook,
  type WebhookWithSecret,
} from '../../management/webhook-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { WEBHOOK_ATTRIBUTES, WEBHOOK_STATUS_ATTRIBUTES } from '../../webhooks/webhook-attributes.ts'
import type { Webhook, WebhookValues } from '../../webhooks/webhooks.ts'
import { attributeSchemas, creationSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { id, idText, pageOf, pageQuery, revision, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

export const WEBHOOK_TAG = 'Webhooks'

export const webhookPathParams = z.strictObject({ webhook_id: id })

const webhook = z
  .object({
    id: idText,
    account_id: idText
      .nullable()
      .meta({ description: 'null: of the instance, it receives the events of all accounts' }),
    ...attributeSchemas(WEBHOOK_ATTRIBUTES),
    ...attributeSchemas(WEBHOOK_STATUS_ATTRIBUTES),
    disabled_at: timestamp.nullable(),
    failing_since: timestamp.nullable().meta({
      description: 'The first failed attempt since the last successful one; null: the last attempt succeeded',
    }),
    previous_secret_expires_at: timestamp
      .nullable()
      .meta({ description: 'Until then, the previous secret signs too; null: there is none' }),
    created_at: timestamp,
    revision,
  })
  .meta({ id: 'Webhook' })

const withSecret = z
  .object({
    webhook,
    secret: z.string().meta({
      description: 'The signing secret (Standard Webhooks); shown only in this response',
      examples: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDazfgh0xDmZE='],
    }),
  })
  .meta({ id: 'WebhookWithSecret' })

const EXAMPLE = { name: 'Billing system', url: 'https://example.com/webhooks/keywright' }

const creation = z
  .strictObject({
    account_id: id.optional().meta({ description: 'For operators; absent: the instance. Admins: the own account' }),
    ...creationSchemas(WEBHOOK_ATTRIBUTES),
  })
  .meta({ id: 'NewWebhook', examples: [EXAMPLE] })

const change = z
  .strictObject(attributeSchemas(WEBHOOK_ATTRIBUTES))
  .partial()
  .meta({ id: 'WebhookChange', examples: [{ actions: ['client.archived'] }] })

const rotation = z
  .strictObject({
    overlap: z
      .number()
      .int()
      .min(0)
      .max(LONGEST_OVERLAP)
      .default(86_400)
      .meta({ description: 'Seconds for which the previous secret signs too; each message then has both signatures' }),
  })
  .meta({ examples: [{ overlap: 3600 }] })

const DESCRIBED = { ...WEBHOOK_ATTRIBUTES, ...WEBHOOK_STATUS_ATTRIBUTES }

const view = (one: Webhook, who: Principal) => {
  const { id, accountId, disabledAt, failingSince, previousSecretExpiresAt, createdAt, revision } = one
  const rest = { id, accountId, disabledAt, failingSince, previousSecretExpiresAt, createdAt, revision }
  return { ...toWireValues(DESCRIBED, one, who), ...toWire(rest) }
}

const viewWithSecret = ({ webhook, secret }: WebhookWithSecret, who: Principal) => ({
  body: { webhook: view(webhook, who), secret },
  revision: webhook.revision,
})

const statusRoute = (status: Webhook['status'], verb: string, summary: string, description: string): ApiRoute =>
  route({
    method: 'post',
    path: `/webhooks/{webhook_id}/${verb}`,
    operation: setWebhookStatus,
    id: `${verb}Webhook`,
    tag: WEBHOOK_TAG,
    summary,
    description,
    params: webhookPathParams,
    responses: { 200: webhook },
    handle: async ({ management, who, params }) => ({
      body: view(await setWebhookStatus(management, who, { ...toDomain(params), status }), who),
    }),
  })

export const WEBHOOK_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/webhooks',
    operation: listWebhooks,
    id: 'listWebhooks',
    tag: WEBHOOK_TAG,
    summary: 'List webhooks, newest first',
    query: z.strictObject({ account_id: id.optional(), ...pageQuery }),
    responses: { 200: pageOf(webhook) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listWebhooks(management, who, toDomain(query)), (one) => view(one, who)),
    }),
  }),
  route({
    method: 'post',
    path: '/webhooks',
    operation: createWebhook,
    id: 'createWebhook',
    tag: WEBHOOK_TAG,
    summary: 'Create a webhook',
    description:
      'It receives the events of the activity log as signed messages (Standard Webhooks). An account, and the instance, has at most 20 webhooks.',
    body: creation,
    responses: { 201: withSecret },
    idempotent: true,
    etag: true,
    async handle({ management, who, body: { account_id: accountId, ...values } }) {
      const given = fromWireValues(WEBHOOK_ATTRIBUTES, values) as WebhookValues
      return viewWithSecret(await createWebhook(management, who, { ...given, accountId }), who)
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/{webhook_id}',
    operation: readWebhook,
    id: 'readWebhook',
    tag: WEBHOOK_TAG,
    summary: 'Retrieve a webhook',
    params: webhookPathParams,
    responses: { 200: webhook },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readWebhook(management, who, toDomain(params))
      return { body: view(one, who), revision: one.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/webhooks/{webhook_id}',
    operation: updateWebhook,
    id: 'updateWebhook',
    tag: WEBHOOK_TAG,
    summary: 'Update a webhook',
    description: 'Pending events are sent to the new URL.',
    params: webhookPathParams,
    body: change,
    responses: { 200: webhook },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const changes = fromWireValues(WEBHOOK_ATTRIBUTES, body)
      const changed = await updateWebhook(management, who, { ...toDomain(params), ...changes, revision: ifMatch })
      return { body: view(changed, who), revision: changed.revision }
    },
  }),
  route({
    method: 'delete',
    path: '/webhooks/{webhook_id}',
    operation: deleteWebhook,
    id: 'deleteWebhook',
    tag: WEBHOOK_TAG,
    summary: 'Delete a webhook',
    description: 'Pending events are not sent.',
    params: webhookPathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await deleteWebhook(management, who, toDomain(params))
      return {}
    },
  }),
  route({
    method: 'post',
    path: '/webhooks/{webhook_id}/rotate-secret',
    operation: rotateWebhookSecret,
    id: 'rotateWebhookSecret',
    tag: WEBHOOK_TAG,
    summary: 'Rotate the signing secret',
    params: webhookPathParams,
    body: rotation,
    responses: { 200: withSecret },
    async handle({ management, who, params, body }) {
      const { body: rotated } = viewWithSecret(
        await rotateWebhookSecret(management, who, { ...toDomain(params), ...body }),
        who,
      )
      return { body: rotated }
    },
  }),
  statusRoute(
    'disabled',
    'disable',
    'Disable a webhook',
    'Pending events wait. Events that occur meanwhile are not sent.',
  ),
  statusRoute('enabled', 'enable', 'Enable a webhook', 'Pending events are sent at once.'),
]
