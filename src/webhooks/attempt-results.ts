import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { advanceQueue, type LeasedDelivery, lockQueue, postponeQueue } from './delivery-queues.ts'
import { DAYS_OF_FAILURE, retryDelay } from './retry-delays.ts'
import type { DisabledReason } from './webhook-attributes.ts'
import { disableWebhook, webhookEntry } from './webhooks.ts'

/** What came of one request to a receiver. */
export interface AttemptResult {
  readonly at: Date
  /** Milliseconds. */
  readonly duration: number
  /** Of the response; null: there was none. */
  readonly status: number | null
  /** Why there was no response; null: there was one. */
  readonly error: string | null
  /** The beginning of the body; null: there was no response. */
  readonly response: string | null
  /** Seconds that the receiver asked for. */
  readonly retryAfter: number
}

const ACTOR: Actor = { type: 'system', id: 'webhooks' }

/** The action of a test, which is no event of the activity log. */
export const TEST_ACTION = 'webhook.test'

const isSuccess = ({ status }: AttemptResult): boolean => status !== null && status >= 200 && status < 300

const isGone = ({ status }: AttemptResult): boolean => status === 410

/** Most attempts of one delivery that are kept, resending included. */
const MAX_KEPT = 30

async function recordAttempt(trx: Knex, { id, attempts }: LeasedDelivery, result: AttemptResult): Promise<void> {
  const { at, duration, status, error, response } = result
  const number = attempts + 1
  await trx('webhook_attempts').insert({ delivery_id: id, number, at, duration, status, error, response })
  await trx('webhook_attempts')
    .where({ delivery_id: id })
    .where('number', '<=', number - MAX_KEPT)
    .delete()
}

/** Seconds until the next attempt; undefined: the delivery is finished. */
function delayOf({ action, attempts }: LeasedDelivery, result: AttemptResult): number | undefined {
  // A person who waits for the result of a test sends another one.
  if (isSuccess(result) || action === TEST_ACTION) return undefined
  return retryDelay(attempts + 1, result.retryAfter)
}

async function saveDelivery(trx: Knex, { id, attempts }: LeasedDelivery, result: AttemptResult, isFinished: boolean) {
  const finished = { state: isSuccess(result) ? 'delivered' : 'failed', finished_at: trx.fn.now() }
  const last = result.status === null ? result.error : String(result.status)
  await trx('webhook_deliveries')
    .where({ id })
    .update({ attempts: attempts + 1, last_result: last, ...(isFinished && finished) })
}

async function disable(trx: Knex, webhookId: string, reason: DisabledReason): Promise<void> {
  const webhook = await disableWebhook(trx, webhookId, reason)
  await recordAudit(trx, ACTOR, webhookEntry('webhook.disabled', webhook, { reason }))
}

/**
 * Notes how the receiver does, and disables a webhook whose receiver is gone or has failed for days. An attempt says nothing of a
 * webhook that was changed or enabled since it began.
 */
async function noteHealth(trx: Knex, { webhookId, revision }: LeasedDelivery, result: AttemptResult): Promise<void> {
  const webhook = trx('webhooks').where({ id: webhookId, revision, status: 'enabled' })
  if (isSuccess(result)) {
    await webhook.whereNotNull('failing_since').update({ failing_since: null })
    return
  }
  const since = trx.raw('coalesce(failing_since, now())')
  const isLong = trx.raw('failing_since < now() - make_interval(days => ?) AS is_long', [DAYS_OF_FAILURE])
  const [row] = await webhook.update({ failing_since: since }).returning<{ is_long: boolean }[]>(isLong as never)
  if (!row) return
  if (isGone(result)) await disable(trx, webhookId, 'gone')
  else if (row.is_long) await disable(trx, webhookId, 'failing')
}

/**
 * Records an attempt, and decides what happens next: the next delivery of the queue, a later attempt, or the end of the webhook.
 * Nothing is recorded if another node has taken the queue since.
 */
export async function finishAttempt(knex: Knex, leased: LeasedDelivery, result: AttemptResult): Promise<void> {
  const { webhookId, queue, lease, action } = leased
  await knex.transaction(async (trx) => {
    if (!(await lockQueue(trx, webhookId, queue, lease))) return
    const delay = delayOf(leased, result)
    await recordAttempt(trx, leased, result)
    await saveDelivery(trx, leased, result, delay === undefined)
    if (delay === undefined) await advanceQueue(trx, webhookId, queue)
    else await postponeQueue(trx, webhookId, queue, delay)
    if (action !== TEST_ACTION) await noteHealth(trx, leased, result)
  })
}

/** Ends a delivery whose event was deleted by age: there is nothing to send, now or later, and its receiver did nothing wrong. */
export async function finishWithoutEvent(knex: Knex, { id, webhookId, queue, lease }: LeasedDelivery): Promise<void> {
  const ended = { state: 'failed', last_result: 'the event was deleted from the activity log' }
  await knex.transaction(async (trx) => {
    if (!(await lockQueue(trx, webhookId, queue, lease))) return
    await trx('webhook_deliveries')
      .where({ id })
      .update({ ...ended, finished_at: trx.fn.now() })
    await advanceQueue(trx, webhookId, queue)
  })
}
