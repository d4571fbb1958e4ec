import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { eventAsJson, recordFromJson } from '../audit/audit-records.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { TEST_ACTION } from '../webhooks/attempt-results.ts'
import { addQueue } from '../webhooks/delivery-queues.ts'
import { type Webhook, webhookFromJson } from '../webhooks/webhooks.ts'
import { idKey, type Key, momentKey, orderSql } from './list-order.ts'
import { operation } from './operation.ts'
import { cursorOf, type PagedRow, type PageOf, type PageRequest, pageOf, readingOrder, selectPage } from './paging.ts'
import { checkTenant } from './tenant-isolation.ts'
import { messageOf } from './webhook-messages.ts'
import { type WebhookSelector, webhookFor } from './webhook-operations.ts'

export interface WebhookDelivery {
  readonly id: string
  /** In the activity log; null: a test. */
  readonly eventId: string | null
  readonly action: string
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly attempts: number
  /** The status of the last response, or why there was none; null: not attempted yet. */
  readonly lastResult: string | null
  readonly createdAt: Date
  readonly finishedAt: Date | null
  /** Of a pending one; null: an earlier event of the same object is delivered first. */
  readonly nextAttemptAt: Date | null
}

interface DeliveryRow {
  id: string
  event_id: string | null
  action: string
  state: WebhookDelivery['state']
  attempts: number
  last_result: string | null
  created_at: Date
  finished_at: Date | null
  next_attempt_at: Date | null
}

const toDelivery = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  eventId: row.event_id,
  action: row.action,
  state: row.state,
  attempts: row.attempts,
  lastResult: row.last_result,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
  nextAttemptAt: row.next_attempt_at,
})

/** SQL: when the delivery `d` is attempted next, if no earlier one of its queue is pending. */
const NEXT_ATTEMPT = `
  CASE WHEN d.state = 'pending'
        AND d.id = (SELECT e.id FROM webhook_deliveries e
                     WHERE e.webhook_id = d.webhook_id AND e.queue = d.queue AND e.state = 'pending' ORDER BY e.seq LIMIT 1)
       THEN (SELECT q.due_at FROM webhook_queues q WHERE q.webhook_id = d.webhook_id AND q.queue = d.queue) END`

const selectDelivery = (knex: Knex, query: Knex.QueryBuilder): Knex.QueryBuilder =>
  query.select('d.*', knex.raw(`${NEXT_ATTEMPT} AS next_attempt_at`))

/** In a cursor the ID: the position is one in the log of all accounts, and an account must not learn how many events others have. */
const positionKey: Key = {
  sql: 'd.seq',
  cursorValue: 'd.id',
  value: 'coalesce((SELECT x.seq FROM webhook_deliveries x WHERE x.id = ?::uuid), 0)',
  isValue: isId,
}

const ORDER = { keys: [momentKey('d.created_at'), positionKey, idKey('d.id')], isDescending: true }

/** A delivery of a page with its webhook; without a delivery: the page is empty. */
type ListedRow = DeliveryRow & PagedRow & { webhook: object }

/** SQL. The secrets stay in the database. */
const WEBHOOK = `to_jsonb(w) - '{sealed_secret,sealed_previous_secret}'::text[] AS webhook`

/** A webhook with a page of its deliveries, the latest first, in one statement. @throws KeywrightError `not_found` */
export const listWebhookDeliveries = operation<
  WebhookSelector & PageRequest,
  { readonly webhook: Webhook; readonly deliveries: PageOf<WebhookDelivery> }
>(PERMISSIONS.viewWebhooks, async ({ knex }, principal, { webhookId, ...request }) => {
  const cursor = cursorOf(ORDER, request)
  const list = { base: knex('webhook_deliveries AS d').whereRaw('d.webhook_id = w.id') }
  const page = selectDelivery(knex, selectPage(knex, list, ORDER, cursor, request))
  const rows: ListedRow[] = isId(webhookId)
    ? await knex('webhooks AS w')
        .joinRaw('LEFT JOIN LATERAL (?) d ON true', [page] as never)
        .select('d.*', knex.raw(WEBHOOK))
        .where('w.id', webhookId)
        .orderByRaw(orderSql(readingOrder(ORDER, cursor)))
    : []
  const [first] = rows
  if (!first) throw notFound('webhook', webhookId)
  const webhook = webhookFromJson(first.webhook)
  checkTenant(principal, webhook.accountId, 'webhook', webhookId)
  const found = rows.filter(({ id }) => id !== null)
  return { webhook, deliveries: pageOf(found, request, cursor, toDelivery) }
})

/** One request to the receiver. */
export interface WebhookAttempt {
  readonly at: string
  /** Milliseconds. */
  readonly duration: number
  /** Null: there was no response. */
  readonly status: number | null
  readonly error: string | null
  /** The beginning of the body. */
  readonly response: string | null
}

export interface WebhookDeliveryDetails extends WebhookDelivery {
  readonly webhookName: string
  readonly webhookStatus: Webhook['status']
  /** The earliest first. */
  readonly attemptLog: readonly WebhookAttempt[]
  /** The body that is sent; null: the event was deleted by age. */
  readonly message: string | null
}

export interface DeliverySelector extends WebhookSelector {
  readonly deliveryId: string
}

interface DetailsRow extends DeliveryRow {
  account_id: string | null
  webhook_name: string
  webhook_status: Webhook['status']
  attempt_log: WebhookAttempt[] | null
  event: object | null
}

const ATTEMPTS = `
  SELECT json_agg(json_build_object('at', a.at, 'duration', a.duration, 'status', a.status, 'error', a.error,
                                    'response', a.response) ORDER BY a.number)
    FROM webhook_attempts a WHERE a.delivery_id = d.id`

/** @throws KeywrightError `not_found` */
export const readWebhookDelivery = operation<DeliverySelector, WebhookDeliveryDetails>(
  PERMISSIONS.viewWebhooks,
  async ({ knex }, principal, { webhookId, deliveryId }) => {
    const row: DetailsRow | undefined =
      isId(webhookId) && isId(deliveryId)
        ? await selectDelivery(knex, knex('webhook_deliveries AS d'))
            .join('webhooks AS w', 'w.id', 'd.webhook_id')
            .select('w.account_id', 'w.name AS webhook_name', 'w.status AS webhook_status')
            .select(knex.raw(`(${ATTEMPTS}) AS attempt_log`), eventAsJson(knex, 'd.event_id').as('event'))
            .where({ 'd.id': deliveryId, 'd.webhook_id': webhookId })
            .first()
        : undefined
    if (!row) throw notFound('delivery', deliveryId)
    checkTenant(principal, row.account_id, 'delivery', deliveryId)
    const delivery = toDelivery(row)
    const record = row.event === null ? undefined : recordFromJson(row.event, row.account_id !== null)
    const message = messageOf({ ...delivery, accountId: row.account_id, webhookId }, record)
    return {
      ...delivery,
      webhookName: row.webhook_name,
      webhookStatus: row.webhook_status,
      attemptLog: row.attempt_log ?? [],
      message: message?.body ?? null,
    }
  },
)

function checkEnabled({ status }: Webhook): void {
  if (status === 'disabled') throw new KeywrightError('conflict', 'the webhook is disabled; enable the webhook first')
}

/** A finished delivery is attempted again at once, apart from others of its object. Returns whether it was finished. */
async function reopen(trx: Knex, { webhookId, deliveryId }: DeliverySelector): Promise<boolean> {
  const queue = randomUUID()
  const reopened = await trx('webhook_deliveries')
    .where({ id: deliveryId, webhook_id: webhookId })
    .whereNot({ state: 'pending' })
    .update({ state: 'pending', queue, finished_at: null })
  if (reopened > 0) await addQueue(trx, webhookId, queue)
  return reopened > 0
}

/** The queue of a pending delivery is due at once. @throws KeywrightError `not_found` */
async function hasten(trx: Knex, { webhookId, deliveryId }: DeliverySelector): Promise<void> {
  const pending = await trx('webhook_deliveries').where({ id: deliveryId, webhook_id: webhookId }).first('queue')
  if (!pending) throw notFound('delivery', deliveryId)
  // Without waiting for an attempt that is under way.
  const queue = { webhook_id: webhookId, queue: pending.queue, lease: null }
  await trx('webhook_queues').where(queue).update({ due_at: trx.fn.now() })
}

/**
 * Sends an event again, at once and with the same ID; of a pending one, the next attempt is made at once.
 * @throws KeywrightError `not_found`, `conflict` (the webhook is disabled)
 */
export const resendWebhookDelivery = operation<DeliverySelector, void>(
  PERMISSIONS.manageWebhooks,
  async ({ knex }, principal, selector) => {
    await knex.transaction(async (trx) => {
      checkEnabled(await webhookFor(trx, principal, selector.webhookId))
      if (!isId(selector.deliveryId)) throw notFound('delivery', selector.deliveryId)
      if (!(await reopen(trx, selector))) await hasten(trx, selector)
    })
  },
)

/** Sends a test message, once. Returns the ID of its delivery. @throws KeywrightError `not_found`, `conflict` */
export const testWebhook = operation<WebhookSelector, { readonly deliveryId: string }>(
  PERMISSIONS.manageWebhooks,
  async ({ knex }, principal, { webhookId }) => {
    return await knex.transaction(async (trx) => {
      checkEnabled(await webhookFor(trx, principal, webhookId))
      const [deliveryId, queue] = [newId(), randomUUID()]
      const test = { id: deliveryId, webhook_id: webhookId, event_id: null, seq: 0, action: TEST_ACTION, queue }
      await trx('webhook_deliveries').insert(test)
      await addQueue(trx, webhookId, queue)
      return { deliveryId }
    })
  },
)
