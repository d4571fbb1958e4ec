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
  resultText,
  WEBHOOKS,
  webhookBadge,
  webhookPath,
  webhookWarning,
} from './webhook-texts.ts'

const NOTICES = {
  changed: 'Changes saved.',
  enabled: 'Webhook enabled. Pending events are sent now.',
  disabled: 'Webhook disabled.',
}

const eventsCell = ({ actions }: Webhook): Cell => (actions === null ? textCell('All events') : linesCell(actions))

/** While it overlaps. */
function previousSecretFact({ previousSecretExpiresAt: until }: Webhook): Fact[] {
  if (until === null) return []
  return [fact('Previous signing secret', timeCell(until, '', 'signs too until then'))]
}

const factsOf = (webhook: Webhook): Fact[] => [
  fact(WEBHOOK_ATTRIBUTES.url.label, idCell(webhook.url, 'URL')),
  fact(WEBHOOK_ATTRIBUTES.actions.label, eventsCell(webhook)),
  ...previousSecretFact(webhook),
  ...(webhook.failingSince === null ? [] : [fact('Failing since', timeCell(webhook.failingSince))]),
  ...(webhook.disabledAt === null ? [] : [fact('Disabled', timeCell(webhook.disabledAt))]),
  fact('Added', timeCell(webhook.createdAt)),
  fact('Webhook ID', idCell(webhook.id, 'webhook ID')),
]

function statusChange({ id, status }: Webhook): Change {
  const href = webhookPath(id, 'status')
  if (status === 'disabled')
    return {
      title: 'Enable webhook',
      text: 'Pending events are sent. Events that occurred while it was disabled are not.',
      action: { href, label: 'Enable…' },
    }
  return {
    title: 'Disable webhook',
    text: 'Events are no longer sent.',
    action: { href, label: 'Disable…', danger: true },
  }
}

function testChange({ id, status }: Webhook): Change {
  const title = 'Send a test message'
  if (status === 'disabled') return { title, text: 'Enable the webhook first.' }
  return {
    title,
    text: 'Sends a signed message of the type webhook.test and shows the response.',
    action: { href: webhookPath(id, 'test'), label: 'Send test…' },
  }
}

const changesOf = (webhook: Webhook): Change[] => [
  testChange(webhook),
  {
    title: 'Rotate signing secret',
    text: 'Generates a new signing secret. The current one can overlap.',
    action: { href: webhookPath(webhook.id, 'secret'), label: 'Rotate secret…' },
  },
  statusChange(webhook),
  {
    title: 'Delete webhook',
    text: 'Deletes the webhook, its signing secret and its pending events.',
    action: { href: webhookPath(webhook.id, 'delete'), label: 'Delete…', danger: true },
  },
]

function deliveryRow(webhookId: string, delivery: WebhookDelivery): Cell[] {
  const { tone, text } = deliveryBadge(delivery)
  const { attempts, lastResult } = delivery
  return [
    linkCell(delivery.action, deliveryPath(webhookId, delivery.id)),
    badgeCell(tone, text),
    lastResult === null
      ? quietCell(resultText(lastResult))
      : textCell(lastResult, attempts > 1 ? `${attempts} attempts` : undefined),
    timeCell(delivery.createdAt),
  ]
}

export async function showWebhook({ management, who, params, query, show }: ConsoleCall): Promise<void> {
  const webhookId = params.webhookId!
  const { webhook, deliveries } = await listWebhookDeliveries(management, who, {
    webhookId,
    ...pageIn(query),
    limit: 25,
  })
  const { items, ...part } = deliveries
  const list: Block = {
    part: 'list',
    heading: 'Deliveries',
    lead: 'Messages of the last 30 days.',
    list: listView({
      caption: 'Deliveries',
      columns: [{ heading: 'Event' }, { heading: 'Status' }, { heading: 'Response' }, { heading: 'Time' }],
      rows: items.map((delivery) => deliveryRow(webhookId, delivery)),
      empty: { title: 'No deliveries yet', text: 'When an event occurs, its delivery appears here.' },
      search: { path: webhookPath(webhookId), query },
      page: part,
      isLog: true,
    }),
  }
  const page = {
    title: webhook.name,
    badge: webhookBadge(webhook),
    warning: webhookWarning(webhook),
    breadcrumbs: [WEBHOOKS],
    actions: [{ href: webhookPath(webhookId, 'edit'), label: 'Edit', primary: true }],
    notices: NOTICES,
  }
  const facts: Block = { part: 'facts', facts: factsOf(webhook) }
  show(blocksPage(page, [facts, list, { part: 'changes', heading: 'Manage', changes: changesOf(webhook) }]))
}
