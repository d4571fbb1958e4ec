import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  readWebhookDelivery,
  resendWebhookDelivery,
  type WebhookAttempt,
  type WebhookDeliveryDetails,
} from '../../../management/webhook-delivery-operations.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Cell, type Fact, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { failureText } from '../kit/failure-text.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { breadcrumbsTo, deliveryBadge, deliveryPath } from './webhook-texts.ts'

const deliveryOf = ({ management, who, params }: ConsoleCall): Promise<WebhookDeliveryDetails> =>
  readWebhookDelivery(management, who, { webhookId: params.webhookId!, deliveryId: params.deliveryId! })

function nextFact(t: ConsoleTranslate, { state, nextAttemptAt }: WebhookDeliveryDetails): Fact[] {
  if (state !== 'pending') return []
  const waiting = quietCell(t('after an earlier event of the same object'))
  return [fact(t('Next attempt'), nextAttemptAt === null ? waiting : timeCell(nextAttemptAt))]
}

const factsOf = (t: ConsoleTranslate, delivery: WebhookDeliveryDetails): Fact[] => [
  fact(t('Event'), textCell(delivery.action)),
  fact(
    t('Last result'),
    delivery.lastResult === null ? quietCell(t('not attempted yet')) : textCell(delivery.lastResult),
  ),
  ...nextFact(t, delivery),
  fact(t('Added'), timeCell(delivery.createdAt)),
  ...(delivery.finishedAt === null ? [] : [fact(t('Finished'), timeCell(delivery.finishedAt))]),
  fact(t('Message ID'), idCell(delivery.eventId ?? delivery.id, t('message ID'))),
]

/** Characters of a response in the list. */
const EXCERPT = 80

/** The response to a webhook of an account is not kept where `OUTGOING_ALLOW` is set. */
function responseCell(t: ConsoleTranslate, { status, response }: WebhookAttempt): Cell {
  if (response === null) return quietCell(status === null ? t('none') : t('not kept'))
  if (response === '') return quietCell(t('empty'))
  return textCell(response.length > EXCERPT ? `${response.slice(0, EXCERPT)}…` : response)
}

function attemptRow(t: ConsoleTranslate, attempt: WebhookAttempt): Cell[] {
  const { at, duration, status, error } = attempt
  return [
    timeCell(new Date(at)),
    textCell(status === null ? (error === null ? t('no response') : failureText(t, error)) : String(status)),
    textCell(`${t.number(duration)} ms`),
    responseCell(t, attempt),
  ]
}

const noAttempts = (t: ConsoleTranslate) => ({
  title: t('No attempts yet'),
  text: t('Reload this page in a few seconds.'),
})

/** Its event was deleted before it was sent. */
const neverAttempted = (t: ConsoleTranslate) => ({
  title: t('No attempts'),
  text: t('Nothing was sent to the receiver.'),
})

const attemptsOf = (t: ConsoleTranslate, { attemptLog, state }: WebhookDeliveryDetails): Block => ({
  part: 'list',
  heading: t('Attempts'),
  list: listView({
    caption: t('Attempts'),
    columns: [
      { heading: t('Time') },
      { heading: t('Result') },
      { heading: t('Duration') },
      { heading: t('Response body') },
    ],
    rows: attemptLog.toReversed().map((attempt) => attemptRow(t, attempt)),
    empty: state === 'pending' ? noAttempts(t) : neverAttempted(t),
  }),
})

/** The whole of what is kept of the last response, if the list shows only a part. */
function lastResponseOf(t: ConsoleTranslate, { attemptLog }: WebhookDeliveryDetails): Block[] {
  const response = attemptLog.at(-1)?.response ?? ''
  return response.length > EXCERPT ? [{ part: 'command', label: t('Last response body'), value: response }] : []
}

const messageOf = (t: ConsoleTranslate, { message }: WebhookDeliveryDetails): Block =>
  message === null
    ? { part: 'empty', title: t('Message'), text: t('The event was deleted from the activity log.') }
    : { part: 'command', label: t('Message'), value: JSON.stringify(JSON.parse(message), null, 2) }

export async function showDelivery(call: ConsoleCall): Promise<void> {
  const { t } = call
  const delivery = await deliveryOf(call)
  const { webhookId } = call.params
  const resend = { href: deliveryPath(webhookId!, delivery.id, 'resend'), label: t('Resend…'), primary: true }
  const page = {
    title: delivery.action,
    badge: deliveryBadge(t, delivery),
    breadcrumbs: breadcrumbsTo(t, { id: webhookId!, name: delivery.webhookName }),
    actions: delivery.webhookStatus === 'enabled' ? [resend] : [],
    notices: { sending: t('The message is sent within seconds. Reload this page to see the response.') },
  }
  const facts: Block = { part: 'facts', facts: factsOf(t, delivery) }
  call.show(blocksPage(page, [facts, attemptsOf(t, delivery), ...lastResponseOf(t, delivery), messageOf(t, delivery)]))
}

export async function askResend(call: ConsoleCall): Promise<void> {
  const { t } = call
  const delivery = await deliveryOf(call)
  const { webhookId } = call.params
  const path = deliveryPath(webhookId!, delivery.id)
  const stops = [t('The message is sent within seconds.'), t('It has the same ID, so a receiver can recognize it.')]
  const page = confirmPage({
    title: t('Send this event again?'),
    facts: [fact(t('Event'), textCell(delivery.action)), fact(t('Added'), timeCell(delivery.createdAt))],
    breadcrumbs: breadcrumbsTo(t, { id: webhookId!, name: delivery.webhookName }),
    stops,
    action: deliveryPath(webhookId!, delivery.id, 'resend'),
    submit: t('Resend'),
    harmless: true,
    keep: { href: path, label: t('Cancel') },
  })
  call.show(page)
}

export async function resend({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const selector = { webhookId: params.webhookId!, deliveryId: params.deliveryId! }
  await resendWebhookDelivery(management, who, selector)
  goTo(`${deliveryPath(selector.webhookId, selector.deliveryId)}?notice=sending`)
}
