import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { listWebhooks, type WebhookOfAccount } from '../../../management/webhook-operations.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { pageIn } from '../kit/query-fields.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'
import { eventsText, webhookBadge, webhookPath } from './webhook-texts.ts'

const addAction = (t: ConsoleTranslate) => ({ href: `${WEBHOOKS_PATH}/new`, label: t('Add webhook'), primary: true })

const columnsFor = (t: ConsoleTranslate, isOperator: boolean): Column[] => [
  { heading: t('Webhook') },
  { heading: t('Status') },
  { heading: t('Events') },
  ...(isOperator ? [{ heading: t('Account'), wideOnly: true }] : []),
  { heading: t('Added'), wideOnly: true },
]

const accountCell = (t: ConsoleTranslate, { accountId, accountName }: WebhookOfAccount): Cell =>
  accountId === null ? quietCell(t('this instance')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(t: ConsoleTranslate, webhook: WebhookOfAccount, isOperator: boolean): Cell[] {
  const { tone, text } = webhookBadge(t, webhook)
  return [
    linkCell(webhook.name, webhookPath(webhook.id), webhook.url),
    badgeCell(tone, text),
    textCell(eventsText(t, webhook)),
    ...(isOperator ? [accountCell(t, webhook)] : []),
    timeCell(webhook.createdAt),
  ]
}

export async function showWebhooks(call: ConsoleCall): Promise<void> {
  const { t, management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const accountId = isOperator ? accountIn(call) : undefined
  const { items, ...part } = await listWebhooks(management, who, { accountId, ...pageIn(query) })
  const page = {
    title: t('Webhooks'),
    lead: isOperator
      ? t('Webhooks send the events of the activity log to your systems as signed HTTPS requests.')
      : t("Webhooks send the events of your account's activity log to your systems as signed HTTPS requests."),
    actions: [addAction(t)],
    notices: { deleted: t('Webhook deleted.') },
  }
  const list = {
    caption: t('Webhooks'),
    columns: columnsFor(t, isOperator),
    rows: items.map((webhook) => rowOf(t, webhook, isOperator)),
    empty: {
      title: t('No webhooks yet'),
      text: t(
        'Add a webhook to learn at once when a key pair is replaced, an application is archived or a secret leaks.',
      ),
      action: addAction(t),
    },
    search: { path: WEBHOOKS_PATH, query, filters: isOperator ? accountFilter(call, items) : [] },
    page: part,
  }
  show(listPage(page, list))
}
