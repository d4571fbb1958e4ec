import type { Command } from 'commander'
import {
  listWebhookDeliveries,
  readWebhookDelivery,
  resendWebhookDelivery,
  testWebhook,
  type WebhookDelivery,
} from '../../management/webhook-delivery-operations.ts'
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  readWebhook,
  rotateWebhookSecret,
  setWebhookStatus,
  updateWebhook,
} from '../../management/webhook-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { WEBHOOK_ATTRIBUTES, WEBHOOK_STATUS_ATTRIBUTES } from '../../webhooks/webhook-attributes.ts'
import type { Webhook, WebhookValues } from '../../webhooks/webhooks.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, printedValues, seconds } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewWebhook = (webhook: Webhook) => ({
  webhook_id: webhook.id,
  account_id: webhook.accountId,
  ...printedValues({ ...WEBHOOK_ATTRIBUTES, ...WEBHOOK_STATUS_ATTRIBUTES }, webhook),
  failing_since: webhook.failingSince,
  previous_secret_expires_at: webhook.previousSecretExpiresAt,
  created_at: webhook.createdAt,
})

const viewDelivery = (delivery: WebhookDelivery) => ({
  delivery_id: delivery.id,
  event_id: delivery.eventId,
  event: delivery.action,
  state: delivery.state,
  attempts: delivery.attempts,
  last_result: delivery.lastResult,
  created_at: delivery.createdAt,
  finished_at: delivery.finishedAt,
  next_attempt_at: delivery.nextAttemptAt,
})

export function addWebhookCommands(webhook: Command): void {
  addCreate(webhook)
  addUpdate(webhook)
  addReading(webhook)
  addSecretRotation(webhook)
  addStatus(webhook, 'disable', 'disabled', 'Disable a webhook: pending events wait, and later ones are not sent')
  addStatus(webhook, 'enable', 'enabled', 'Enable a webhook: pending events are sent at once')
  addDelete(webhook)
  addTest(webhook)
  addDeliveries(webhook)
}

function addCreate(webhook: Command): void {
  const command = webhook
    .command('create')
    .description('Create a webhook of the instance, or of an account; prints its signing secret once')
    .option('--account <id>', 'Account whose events it receives; default: the events of all accounts and the instance')
    .addHelpText(
      'after',
      "\nExample:\n  npm run -s keywright -- webhook create --name Billing --url https://example.com/hook --events 'client.archived'",
    )
  addAttributeOptions(command, WEBHOOK_ATTRIBUTES, 'create').action(
    withInstance<{ account?: string }>(async ({ management, principal }, options) => {
      const values = optionValues(WEBHOOK_ATTRIBUTES, options) as WebhookValues
      const request = { ...values, accountId: options.account }
      const { webhook: made, secret } = await createWebhook(management, principal, request)
      return { json: { ...viewWebhook(made), secret } }
    }),
  )
}

function addUpdate(webhook: Command): void {
  const command = webhook
    .command('update <id>')
    .description('Update the settings that the options name; pending events are sent to the new URL')
    .addHelpText('after', '\nOptions left out stay unchanged.')
  addAttributeOptions(command, WEBHOOK_ATTRIBUTES, 'update').action(
    withInstance<object>(async ({ management, principal }, options, id) => {
      const changes = optionValues(WEBHOOK_ATTRIBUTES, options)
      if (Object.keys(changes).length === 0) throw invalidInput('name at least one setting to change')
      return { json: viewWebhook(await updateWebhook(management, principal, { webhookId: id!, ...changes })) }
    }),
  )
}

function addReading(webhook: Command): void {
  webhook
    .command('list')
    .description('List webhooks, newest first')
    .option('--account <id>', 'Only those of this account')
    .action(
      withInstance<{ account?: string }>(async ({ management, principal }, { account: accountId }) => {
        const all = await readAllPages((page) => listWebhooks(management, principal, { ...page, accountId }))
        const webhooks = all.map(viewWebhook)
        return { json: { webhooks }, text: table(webhooks) }
      }),
    )
  webhook
    .command('show <id>')
    .description('Show a webhook')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewWebhook(await readWebhook(management, principal, { webhookId: id! })),
      })),
    )
}

function addSecretRotation(webhook: Command): void {
  webhook
    .command('rotate-secret <id>')
    .description('Generate a new signing secret; each message has both signatures until the overlap ends')
    .option('--overlap <seconds>', 'Time for which the previous secret signs too, 0 to 604800', seconds, 86_400)
    .action(
      withInstance<{ overlap: number }>(async ({ management, principal }, { overlap }, id) => {
        const rotation = { webhookId: id!, overlap }
        const { webhook: rotated, secret } = await rotateWebhookSecret(management, principal, rotation)
        return { json: { ...viewWebhook(rotated), secret } }
      }),
    )
}

function addStatus(webhook: Command, verb: string, status: Webhook['status'], description: string): void {
  webhook
    .command(`${verb} <id>`)
    .description(description)
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewWebhook(await setWebhookStatus(management, principal, { webhookId: id!, status })),
      })),
    )
}

function addDelete(webhook: Command): void {
  webhook
    .command('delete <id>')
    .description('Delete a webhook; pending events are not sent')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        await deleteWebhook(management, principal, { webhookId: id! })
        return { json: { webhook_id: id, status: 'deleted' } }
      }),
    )
}

function addTest(webhook: Command): void {
  webhook
    .command('test <id>')
    .description('Send a test message; a running server sends it within seconds')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        const { deliveryId } = await testWebhook(management, principal, { webhookId: id! })
        return { json: { webhook_id: id, delivery_id: deliveryId } }
      }),
    )
}

function addDeliveries(webhook: Command): void {
  webhook
    .command('deliveries <id>')
    .description('List the deliveries of the last 30 days, newest first, at most 200')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        const request = { webhookId: id!, limit: 200 }
        const { deliveries } = await listWebhookDeliveries(management, principal, request)
        const rows = deliveries.items.map(viewDelivery)
        return { json: { deliveries: rows }, text: table(rows) }
      }),
    )
  webhook
    .command('delivery <id> <delivery>')
    .description('Show a delivery with its attempts, the responses and the message')
    .action(
      withInstance(async ({ management, principal }, _options, webhookId, deliveryId) => {
        const selector = { webhookId: webhookId!, deliveryId: deliveryId! }
        const { attemptLog, message, ...delivery } = await readWebhookDelivery(management, principal, selector)
        return { json: { ...viewDelivery(delivery), attempt_log: attemptLog, message } }
      }),
    )
  webhook
    .command('resend <id> <delivery>')
    .description('Send an event again, with the same ID; a running server sends it within seconds')
    .action(
      withInstance(async ({ management, principal }, _options, webhookId, deliveryId) => {
        await resendWebhookDelivery(management, principal, { webhookId: webhookId!, deliveryId: deliveryId! })
        return { json: { webhook_id: webhookId, delivery_id: deliveryId, state: 'pending' } }
      }),
    )
}
