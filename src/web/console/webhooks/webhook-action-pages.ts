import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { testWebhook } from '../../../management/webhook-delivery-operations.ts'
import { deleteWebhook, readWebhook, setWebhookStatus } from '../../../management/webhook-operations.ts'
import { invalidInput } from '../../../shared/errors.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'
import { breadcrumbsTo, deliveryPath, webhookPath } from './webhook-texts.ts'

const webhookOf = ({ management, who, params }: ConsoleCall): Promise<Webhook> =>
  readWebhook(management, who, { webhookId: params.webhookId! })

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (t: ConsoleTranslate, webhook: Webhook, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(t, webhook),
    action: webhookPath(webhook.id, step),
    keep: { href: webhookPath(webhook.id), label: t('Cancel') },
    ...asking,
  })

export async function askWebhookStatus(call: ConsoleCall): Promise<void> {
  const { t } = call
  const webhook = await webhookOf(call)
  if (webhook.status === 'disabled') {
    const stops = [t('Pending events are sent at once.'), t('Events that occurred while it was disabled are not sent.')]
    const asking = {
      title: t('Enable {name}?', { name: webhook.name }),
      submit: t('Enable webhook'),
      harmless: true,
      stops,
    }
    return call.show(askPage(t, webhook, 'status', { ...asking, hidden: { status: 'enabled' } }))
  }
  const stops = [
    t('stop sending events'),
    t('keep pending events for 30 days, until you enable it again'),
    t('not send events that occur meanwhile'),
  ]
  const asking = { title: t('Disable {name}?', { name: webhook.name }), submit: t('Disable webhook'), stops }
  call.show(askPage(t, webhook, 'status', { ...asking, hidden: { status: 'disabled' } }))
}

export async function changeWebhookStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', ['enabled', 'disabled'])
  if (!status) throw invalidInput('the form names no status')
  const { id } = await setWebhookStatus(management, who, { webhookId: params.webhookId!, status })
  goTo(`${webhookPath(id)}?notice=${status}`)
}

export async function askWebhookDeletion(call: ConsoleCall): Promise<void> {
  const { t } = call
  const webhook = await webhookOf(call)
  const stops = [
    t('stop sending events to the URL'),
    t('delete its signing secret, its pending events and the list of its deliveries'),
  ]
  const text = t('You cannot undo this.')
  call.show(
    askPage(t, webhook, 'delete', {
      title: t('Delete {name}?', { name: webhook.name }),
      submit: t('Delete webhook'),
      stops,
      text,
    }),
  )
}

export async function deleteWebhookNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteWebhook(management, who, { webhookId: params.webhookId! })
  goTo(`${WEBHOOKS_PATH}?notice=deleted`)
}

export async function askTest(call: ConsoleCall): Promise<void> {
  const { t } = call
  const webhook = await webhookOf(call)
  const stops = [
    t('A signed message of the type webhook.test is sent once to {url}.', { url: webhook.url }),
    t('The next page shows the response.'),
  ]
  call.show(
    askPage(t, webhook, 'test', { title: t('Send a test message?'), submit: t('Send test'), harmless: true, stops }),
  )
}

export async function sendTest({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const webhookId = params.webhookId!
  const { deliveryId } = await testWebhook(management, who, { webhookId })
  goTo(`${deliveryPath(webhookId, deliveryId)}?notice=sending`)
}
