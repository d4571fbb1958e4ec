import { listWebhooks, type WebhookOfAccount } from '../../../management/webhook-operations.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { pageIn } from '../kit/query-fields.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'
import { eventsText, webhookBadge, webhookPath } from './webhook-texts.ts'

const ADD = { href: `${WEBHOOKS_PATH}/new`, label: 'Add webhook', primary: true }

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'Webhook' },
  { heading: 'Status' },
  { heading: 'Events' },
  ...(isOperator ? [{ heading: 'Account', wideOnly: true }] : []),
  { heading: 'Added', wideOnly: true },
]

const accountCell = ({ accountId, accountName }: WebhookOfAccount): Cell =>
  accountId === null ? quietCell('this instance') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(webhook: WebhookOfAccount, isOperator: boolean): Cell[] {
  const { tone, text } = webhookBadge(webhook)
  return [
    linkCell(webhook.name, webhookPath(webhook.id), webhook.url),
    badgeCell(tone, text),
    textCell(eventsText(webhook)),
    ...(isOperator ? [accountCell(webhook)] : []),
    timeCell(webhook.createdAt),
  ]
}

export async function showWebhooks(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const accountId = isOperator ? accountIn(call) : undefined
  const { items, ...part } = await listWebhooks(management, who, { accountId, ...pageIn(query) })
  const whose = isOperator ? 'the activity log' : "your account's activity log"
  const page = {
    title: 'Webhooks',
    lead: `Webhooks send the events of ${whose} to your systems as signed HTTPS requests.`,
    actions: [ADD],
    notices: { deleted: 'Webhook deleted.' },
  }
  const list = {
    caption: 'Webhooks',
    columns: columnsFor(isOperator),
    rows: items.map((webhook) => rowOf(webhook, isOperator)),
    empty: {
      title: 'No webhooks yet',
      text: 'Add a webhook to learn at once when a key pair is replaced, an application is archived or a secret leaks.',
      action: ADD,
    },
    search: { path: WEBHOOKS_PATH, query, filters: isOperator ? accountFilter(call, items) : [] },
    page: part,
  }
  show(listPage(page, list))
}
