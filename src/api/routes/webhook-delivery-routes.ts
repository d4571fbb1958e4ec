import { z } from 'zod'
import {
  listWebhookDeliveries,
  readWebhookDelivery,
  resendWebhookDelivery,
  testWebhook,
  type WebhookDelivery,
} from '../../management/webhook-delivery-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { id, idText, pageOf, pageQuery, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { WEBHOOK_TAG, webhookPathParams } from './webhook-routes.ts'

const deliveryPathParams = z.strictObject({ webhook_id: id, delivery_id: id })

const fields = {
  id: idText,
  event_id: idText.nullable().meta({ description: 'The event in the activity log; null: a test' }),
  action: z.string().meta({ examples: ['client.archived'] }),
  state: z.enum(['pending', 'delivered', 'failed']),
  attempts: z.number().int(),
  last_result: z
    .string()
    .nullable()
    .meta({
      description: 'The status of the last response, or why there was none; null: not attempted yet',
      examples: ['200'],
    }),
  created_at: timestamp,
  finished_at: timestamp.nullable(),
  next_attempt_at: timestamp
    .nullable()
    .meta({ description: 'Of a pending delivery; null: an earlier event of the same object is sent first' }),
}

const delivery = z.object(fields).meta({ id: 'WebhookDelivery' })

const attempt = z.object({
  at: timestamp,
  duration: z.number().int().meta({ description: 'In milliseconds' }),
  status: z.number().int().nullable().meta({ description: 'Of the response; null: there was none' }),
  error: z.string().nullable(),
  response: z
    .string()
    .nullable()
    .meta({ description: 'The beginning of the response body; null: there was no response, or it is not kept' }),
})

const details = z
  .object({
    ...fields,
    attempt_log: z.array(attempt).meta({ description: 'The last 30 attempts, the earliest first' }),
    message: z
      .string()
      .nullable()
      .meta({ description: 'The JSON that is sent; null: the event was deleted from the activity log' }),
  })
  .meta({ id: 'WebhookDeliveryDetails' })

const view = (one: WebhookDelivery) => toWire(one)

export const WEBHOOK_DELIVERY_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/webhooks/{webhook_id}/test',
    operation: testWebhook,
    id: 'testWebhook',
    tag: WEBHOOK_TAG,
    summary: 'Send a test message',
    description:
      'The message has the type webhook.test. It is sent once, within seconds; the delivery shows the response.',
    params: webhookPathParams,
    responses: { 202: z.object({ delivery_id: idText }) },
    handle: async ({ management, who, params }) => ({
      body: toWire(await testWebhook(management, who, toDomain(params))),
    }),
  }),
  route({
    method: 'get',
    path: '/webhooks/{webhook_id}/deliveries',
    operation: listWebhookDeliveries,
    id: 'listWebhookDeliveries',
    tag: WEBHOOK_TAG,
    summary: 'List the deliveries of a webhook, newest first',
    description: 'Deliveries are kept for 30 days.',
    params: webhookPathParams,
    query: z.strictObject(pageQuery),
    responses: { 200: pageOf(delivery) },
    async handle({ management, who, params, query }) {
      const { deliveries } = await listWebhookDeliveries(management, who, { ...toDomain(params), ...toDomain(query) })
      return { body: viewPage(deliveries, view) }
    },
  }),
  route({
    method: 'get',
    path: '/webhooks/{webhook_id}/deliveries/{delivery_id}',
    operation: readWebhookDelivery,
    id: 'readWebhookDelivery',
    tag: WEBHOOK_TAG,
    summary: 'Retrieve a delivery with its attempts',
    params: deliveryPathParams,
    responses: { 200: details },
    handle: async ({ management, who, params }) => ({
      body: toWire(await readWebhookDelivery(management, who, toDomain(params))),
    }),
  }),
  route({
    method: 'post',
    path: '/webhooks/{webhook_id}/deliveries/{delivery_id}/resend',
    operation: resendWebhookDelivery,
    id: 'resendWebhookDelivery',
    tag: WEBHOOK_TAG,
    summary: 'Send an event again',
    description:
      'It is sent within seconds, with the same ID. Of a pending delivery, the next attempt is made at once.',
    params: deliveryPathParams,
    responses: { 202: null },
    async handle({ management, who, params }) {
      await resendWebhookDelivery(management, who, toDomain(params))
      return {}
    },
  }),
]
