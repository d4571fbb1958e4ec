import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { listWebhookDeliveries, type WebhookDelivery } from '../../../management/webhook-delivery-operations.ts'
import { WEBHOOK_ATTRIBUTES } from '../../../webhooks/webhook-attributes.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import {
  badgeCell,
  type Cell,
  type Fact,
  fact,
  idCell,
  linesCell,
  linkCell,
  quietCell,
  textCell,
  timeCell,
} from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { pageIn } from '../kit/query-fields.ts'
import {
  deliveryBadge,
  deliveryPath,
  webhookBadge,
  webhookPath,
  webhooksLink,
  webhookWarning,
} from './webhook-texts.ts'

const noticesOf = (t: ConsoleTranslate) => ({
  changed: t('Changes saved.'),
  enabled: t('Webhook enabled. Pending events are sent now.'),
  disabled: t('Webhook disabled.'),
})

const eventsCell = (t: ConsoleTranslate, { actions }: Webhook): Cell =>
  actions === null ? textCell(t('All events')) : linesCell(actions)

/** While it overlaps. */
function previousSecretFact(t: ConsoleTranslate, { previousSecretExpiresAt: until }: Webhook): Fact[] {
  if (until === null) return []
  return [fact(t('Previous signing secret'), timeCell(until, '', t('signs too until then')))]
}

const factsOf = (t: ConsoleTranslate, webhook: Webhook): Fact[] => [
  fact(t.declared(WEBHOOK_ATTRIBUTES.url.label), idCell(webhook.url, t('URL'))),
  fact(t.declared(WEBHOOK_ATTRIBUTES.actions.label), eventsCell(t, webhook)),
  ...previousSecretFact(t, webhook),
  ...(webhook.failingSince === null ? [] : [fact(t('Failing since'), timeCell(webhook.failingSince))]),
  ...(webhook.disabledAt === null ? [] : [fact(t('Disabled'), timeCell(webhook.disabledAt))]),
  fact(t('Added'), timeCell(webhook.createdAt)),
  fact(t('Webhook ID'), idCell(webhook.id, t('webhook ID'))),
]

function statusChange(t: ConsoleTranslate, { id, status }: Webhook): Change {
  const href = webhookPath(id, 'status')
  if (status === 'disabled')
    return {
      title: t('Enable webhook'),
      text: t('Pending events are sent. Events that occurred while it was disabled are not.'),
      action: { href, label: t('Enable…') },
    }
  return {
    title: t('Disable webhook'),
    text: t('Events are no longer sent.'),
    action: { href, label: t('Disable…'), danger: true },
  }
}

function testChange(t: ConsoleTranslate, { id, status }: Webhook): Change {
  const title = t('Send a test message')
  if (status === 'disabled') return { title, text: t('Enable the webhook first.') }
  return {
    title,
    text: t('Sends a signed message of the type webhook.test and shows the response.'),
    action: { href: webhookPath(id, 'test'), label: t('Send test…') },
  }
}

const changesOf = (t: ConsoleTranslate, webhook: Webhook): Change[] => [
  testChange(t, webhook),
  {
    title: t('Rotate signing secret'),
    text: t('Generates a new signing secret. The current one can overlap.'),
    action: { href: webhookPath(webhook.id, 'secret'), label: t('Rotate secret…') },
  },
  statusChange(t, webhook),
  {
    title: t('Delete webhook'),
    text: t('Deletes the webhook, its signing secret and its pending events.'),
    action: { href: webhookPath(webhook.id, 'delete'), label: t('Delete…'), danger: true },
  },
]

function deliveryRow(t: ConsoleTranslate, webhookId: string, delivery: WebhookDelivery): Cell[] {
  const { tone, text } = deliveryBadge(t, delivery)
  const { attempts, lastResult } = delivery
  return [
    linkCell(delivery.action, deliveryPath(webhookId, delivery.id)),
    badgeCell(tone, text),
    lastResult === null
      ? quietCell(t('not attempted yet'))
      : textCell(lastResult, attempts > 1 ? t('{count} attempts', { count: attempts }) : undefined),
    timeCell(delivery.createdAt),
  ]
}

export async function showWebhook({ t, management, who, params, query, show }: ConsoleCall): Promise<void> {
  const webhookId = params.webhookId!
  const { webhook, deliveries } = await listWebhookDeliveries(management, who, {
    webhookId,
    ...pageIn(query),
    limit: 25,
  })
  const { items, ...part } = deliveries
  const list: Block = {
    part: 'list',
    heading: t('Deliveries'),
    lead: t('Messages of the last 30 days.'),
    list: listView({
      caption: t('Deliveries'),
      columns: [{ heading: t('Event') }, { heading: t('Status') }, { heading: t('Response') }, { heading: t('Time') }],
      rows: items.map((delivery) => deliveryRow(t, webhookId, delivery)),
      empty: { title: t('No deliveries yet'), text: t('When an event occurs, its delivery appears here.') },
      search: { path: webhookPath(webhookId), query },
      page: part,
      isLog: true,
    }),
  }
  const page = {
    title: webhook.name,
    badge: webhookBadge(t, webhook),
    warning: webhookWarning(t, webhook),
    breadcrumbs: [webhooksLink(t)],
    actions: [{ href: webhookPath(webhookId, 'edit'), label: t('Edit'), primary: true }],
    notices: noticesOf(t),
  }
  const facts: Block = { part: 'facts', facts: factsOf(t, webhook) }
  show(blocksPage(page, [facts, list, { part: 'changes', heading: t('Manage'), changes: changesOf(t, webhook) }]))
}
