import {
  readWebhookDelivery,
  resendWebhookDelivery,
  type WebhookAttempt,
  type WebhookDeliveryDetails,
} from '../../../management/webhook-delivery-operations.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Cell, type Fact, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { breadcrumbsTo, deliveryBadge, deliveryPath, resultText } from './webhook-texts.ts'

const deliveryOf = ({ management, who, params }: ConsoleCall): Promise<WebhookDeliveryDetails> =>
  readWebhookDelivery(management, who, { webhookId: params.webhookId!, deliveryId: params.deliveryId! })

function nextFact({ state, nextAttemptAt }: WebhookDeliveryDetails): Fact[] {
  if (state !== 'pending') return []
  const waiting = quietCell('after an earlier event of the same object')
  return [fact('Next attempt', nextAttemptAt === null ? waiting : timeCell(nextAttemptAt))]
}

const factsOf = (delivery: WebhookDeliveryDetails): Fact[] => [
  fact('Event', textCell(delivery.action)),
  fact('Last result', delivery.lastResult === null ? quietCell(resultText(null)) : textCell(delivery.lastResult)),
  ...nextFact(delivery),
  fact('Added', timeCell(delivery.createdAt)),
  ...(delivery.finishedAt === null ? [] : [fact('Finished', timeCell(delivery.finishedAt))]),
  fact('Message ID', idCell(delivery.eventId ?? delivery.id, 'message ID')),
]

/** Characters of a response in the list. */
const EXCERPT = 80

/** The response to a webhook of an account is not kept where `OUTGOING_ALLOW` is set. */
function responseCell({ status, response }: WebhookAttempt): Cell {
  if (response === null) return quietCell(status === null ? 'none' : 'not kept')
  if (response === '') return quietCell('empty')
  return textCell(response.length > EXCERPT ? `${response.slice(0, EXCERPT)}…` : response)
}

const NUMBER = new Intl.NumberFormat('en')

function attemptRow(attempt: WebhookAttempt): Cell[] {
  const { at, duration, status, error } = attempt
  return [
    timeCell(new Date(at)),
    textCell(status === null ? (error ?? 'no response') : String(status)),
    textCell(`${NUMBER.format(duration)} ms`),
    responseCell(attempt),
  ]
}

const NO_ATTEMPTS = { title: 'No attempts yet', text: 'Reload this page in a few seconds.' }

/** Its event was deleted before it was sent. */
const NEVER_ATTEMPTED = { title: 'No attempts', text: 'Nothing was sent to the receiver.' }

const attemptsOf = ({ attemptLog, state }: WebhookDeliveryDetails): Block => ({
  part: 'list',
  heading: 'Attempts',
  list: listView({
    caption: 'Attempts',
    columns: [{ heading: 'Time' }, { heading: 'Result' }, { heading: 'Duration' }, { heading: 'Response body' }],
    rows: attemptLog.toReversed().map(attemptRow),
    empty: state === 'pending' ? NO_ATTEMPTS : NEVER_ATTEMPTED,
  }),
})

/** The whole of what is kept of the last response, if the list shows only a part. */
function lastResponseOf({ attemptLog }: WebhookDeliveryDetails): Block[] {
  const response = attemptLog.at(-1)?.response ?? ''
  return response.length > EXCERPT ? [{ part: 'command', label: 'Last response body', value: response }] : []
}

const messageOf = ({ message }: WebhookDeliveryDetails): Block =>
  message === null
    ? { part: 'empty', title: 'Message', text: 'The event was deleted from the activity log.' }
    : { part: 'command', label: 'Message', value: JSON.stringify(JSON.parse(message), null, 2) }

export async function showDelivery(call: ConsoleCall): Promise<void> {
  const delivery = await deliveryOf(call)
  const { webhookId } = call.params
  const resend = { href: deliveryPath(webhookId!, delivery.id, 'resend'), label: 'Resend…', primary: true }
  const page = {
    title: delivery.action,
    badge: deliveryBadge(delivery),
    breadcrumbs: breadcrumbsTo({ id: webhookId!, name: delivery.webhookName }),
    actions: delivery.webhookStatus === 'enabled' ? [resend] : [],
    notices: { sending: 'The message is sent within seconds. Reload this page to see the response.' },
  }
  const facts: Block = { part: 'facts', facts: factsOf(delivery) }
  call.show(blocksPage(page, [facts, attemptsOf(delivery), ...lastResponseOf(delivery), messageOf(delivery)]))
}

export async function askResend(call: ConsoleCall): Promise<void> {
  const delivery = await deliveryOf(call)
  const { webhookId } = call.params
  const path = deliveryPath(webhookId!, delivery.id)
  const stops = ['The message is sent within seconds.', 'It has the same ID, so a receiver can recognize it.']
  const page = confirmPage({
    title: 'Send this event again?',
    facts: [fact('Event', textCell(delivery.action)), fact('Added', timeCell(delivery.createdAt))],
    breadcrumbs: breadcrumbsTo({ id: webhookId!, name: delivery.webhookName }),
    stops,
    action: deliveryPath(webhookId!, delivery.id, 'resend'),
    submit: 'Resend',
    harmless: true,
    keep: { href: path, label: 'Cancel' },
  })
  call.show(page)
}

export async function resend({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const selector = { webhookId: params.webhookId!, deliveryId: params.deliveryId! }
  await resendWebhookDelivery(management, who, selector)
  goTo(`${deliveryPath(selector.webhookId, selector.deliveryId)}?notice=sending`)
}
