import { testWebhook } from '../../../management/webhook-delivery-operations.ts'
import { deleteWebhook, readWebhook, setWebhookStatus } from '../../../management/webhook-operations.ts'
import { invalidInput } from '../../../shared/errors.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { breadcrumbsTo, deliveryPath, WEBHOOKS, webhookPath } from './webhook-texts.ts'

const webhookOf = ({ management, who, params }: ConsoleCall): Promise<Webhook> =>
  readWebhook(management, who, { webhookId: params.webhookId! })

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (webhook: Webhook, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(webhook),
    action: webhookPath(webhook.id, step),
    keep: { href: webhookPath(webhook.id), label: 'Cancel' },
    ...asking,
  })

export async function askWebhookStatus(call: ConsoleCall): Promise<void> {
  const webhook = await webhookOf(call)
  if (webhook.status === 'disabled') {
    const stops = ['Pending events are sent at once.', 'Events that occurred while it was disabled are not sent.']
    const asking = { title: `Enable ${webhook.name}?`, submit: 'Enable webhook', harmless: true, stops }
    return call.show(askPage(webhook, 'status', { ...asking, hidden: { status: 'enabled' } }))
  }
  const stops = [
    'stop sending events',
    'keep pending events for 30 days, until you enable it again',
    'not send events that occur meanwhile',
  ]
  const asking = { title: `Disable ${webhook.name}?`, submit: 'Disable webhook', stops }
  call.show(askPage(webhook, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeWebhookStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', ['enabled', 'disabled'])
  if (!status) throw invalidInput('the form names no status')
  const { id } = await setWebhookStatus(management, who, { webhookId: params.webhookId!, status })
  goTo(`${webhookPath(id)}?notice=${status}`)
}

export async function askWebhookDeletion(call: ConsoleCall): Promise<void> {
  const webhook = await webhookOf(call)
  const stops = [
    'stop sending events to the URL',
    'delete its signing secret, its pending events and the list of its deliveries',
  ]
  const text = 'You cannot undo this.'
  call.show(askPage(webhook, 'delete', { title: `Delete ${webhook.name}?`, submit: 'Delete webhook', stops, text }))
}

export async function deleteWebhookNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteWebhook(management, who, { webhookId: params.webhookId! })
  goTo(`${WEBHOOKS.href}?notice=deleted`)
}

export async function askTest(call: ConsoleCall): Promise<void> {
  const webhook = await webhookOf(call)
  const stops = [
    `A signed message of the type webhook.test is sent once to ${webhook.url}.`,
    'The next page shows the response.',
  ]
  call.show(askPage(webhook, 'test', { title: 'Send a test message?', submit: 'Send test', harmless: true, stops }))
}

export async function sendTest({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const webhookId = params.webhookId!
  const { deliveryId } = await testWebhook(management, who, { webhookId })
  goTo(`${deliveryPath(webhookId, deliveryId)}?notice=sending`)
}
