import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'

/** Seconds for which a node has a queue: longer than an attempt takes. A killed node's queues are free then. */
export const LEASE = 60

/** Attempts at once to one webhook by one node; one while it fails, so that a receiver that hangs takes little. */
const MAX_PER_WEBHOOK = 4

/** Attempts at once for the webhooks of one account by one node, or for those of the instance: slow receivers leave room to others. */
const MAX_PER_ACCOUNT = 8

/** The oldest pending delivery of a queue that this node has taken. */
export interface LeasedDelivery {
  readonly lease: string
  readonly webhookId: string
  readonly queue: string
  readonly id: string
  /** Null: a test. */
  readonly eventId: string | null
  readonly action: string
  readonly createdAt: Date
  readonly attempts: number
  readonly accountId: string | null
  /** Of the request that caused the event (W3C Trace Context); null: it is not traced. */
  readonly traceparent: string | null
  /** Of the webhook, when the queue was taken. */
  readonly revision: number
  readonly url: string
  readonly sealedSecret: Buffer
  /** Null: none, or no longer valid. */
  readonly sealedPreviousSecret: Buffer | null
}

interface LeasedRow {
  webhook_id: string
  queue: string
  id: string | null
  event_id: string | null
  action: string
  created_at: Date
  attempts: number
  account_id: string | null
  traceparent: string | null
  revision: number
  url: string
  sealed_secret: Buffer
  sealed_previous_secret: Buffer | null
}

/**
 * SQL. The index gives the queues of a webhook that are due; the webhooks are few. The queues that are taken alternate between accounts: the first one of each
 * comes before the second one of another. Only queues that are taken are locked.
 */
const LEASE_DUE = `
  WITH candidates AS MATERIALIZED (
    SELECT q.webhook_id, q.queue, q.due_at,
           coalesce((:busyAccounts::jsonb ->> coalesce(w.account_id::text, ''))::int, 0)
             + row_number() OVER (PARTITION BY w.account_id ORDER BY q.due_at) AS rank
      FROM webhooks w
     CROSS JOIN LATERAL (
       SELECT * FROM webhook_queues
        WHERE webhook_id = w.id AND due_at <= now() ORDER BY due_at
        LIMIT greatest(0, CASE WHEN w.failing_since IS NULL THEN ${MAX_PER_WEBHOOK} ELSE 1 END
                          - coalesce((:busyWebhooks::jsonb ->> w.id::text)::int, 0))) q
     WHERE w.status = 'enabled'
       AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = w.account_id AND a.status <> 'active')
  ), due AS MATERIALIZED (
    SELECT q.webhook_id, q.queue
      FROM candidates c JOIN webhook_queues q ON q.webhook_id = c.webhook_id AND q.queue = c.queue
     WHERE c.rank <= ${MAX_PER_ACCOUNT} AND q.due_at <= now()
     ORDER BY c.rank, c.due_at LIMIT :most
       FOR UPDATE OF q SKIP LOCKED)
  UPDATE webhook_queues q SET due_at = now() + make_interval(secs => ${LEASE}), lease = :lease
    FROM due WHERE q.webhook_id = due.webhook_id AND q.queue = due.queue
  RETURNING q.webhook_id, q.queue`

/** SQL. A statement of its own sees what was finished until the queues were locked. */
const OLDEST = `
  SELECT q.webhook_id, q.queue, d.id, d.event_id, d.action, d.created_at, d.attempts, w.account_id, w.revision, w.url, w.sealed_secret,
         (SELECT traceparent FROM audit_log WHERE id = d.event_id) AS traceparent,
         CASE WHEN w.previous_expires_at > now() THEN w.sealed_previous_secret END AS sealed_previous_secret
    FROM webhook_queues q
    JOIN webhooks w ON w.id = q.webhook_id
    LEFT JOIN LATERAL (
      SELECT * FROM webhook_deliveries
       WHERE webhook_id = q.webhook_id AND queue = q.queue AND state = 'pending' ORDER BY seq LIMIT 1) d ON true
   WHERE (q.webhook_id, q.queue) IN (SELECT * FROM unnest(:webhooks::uuid[], :queues::uuid[])) AND q.lease = :lease`

const toLeased = (lease: string, row: LeasedRow): LeasedDelivery => ({
  lease,
  webhookId: row.webhook_id,
  queue: row.queue,
  id: row.id!,
  eventId: row.event_id,
  action: row.action,
  createdAt: row.created_at,
  attempts: row.attempts,
  accountId: row.account_id,
  traceparent: row.traceparent,
  revision: row.revision,
  url: row.url,
  sealedSecret: row.sealed_secret,
  sealedPreviousSecret: row.sealed_previous_secret,
})

type UnderWay = Pick<LeasedDelivery, 'webhookId' | 'accountId'>

/** How many attempts each key has, as JSON. */
const countBy = (underWay: readonly UnderWay[], keyOf: (one: UnderWay) => string): string =>
  JSON.stringify(
    Object.fromEntries(
      Map.groupBy(underWay, keyOf)
        .entries()
        .map(([key, all]) => [key, all.length]),
    ),
  )

/**
 * Takes at most `most` queues that are due, for `LEASE` seconds; returns the oldest pending delivery of each.
 * @param underWay the attempts that this node has under way
 */
export async function leaseDue(knex: Knex, most: number, underWay: readonly UnderWay[]): Promise<LeasedDelivery[]> {
  const lease = randomUUID()
  const busyWebhooks = countBy(underWay, ({ webhookId }) => webhookId)
  const busyAccounts = countBy(underWay, ({ accountId }) => accountId ?? '')
  const taken = await knex.raw(LEASE_DUE, { busyWebhooks, busyAccounts, most, lease })
  if (taken.rows.length === 0) return []
  const of = (name: string): string[] => taken.rows.map((row: Record<string, string>) => row[name])
  const { rows } = await knex.raw(OLDEST, { webhooks: of('webhook_id'), queues: of('queue'), lease } as never)
  const leased: LeasedRow[] = rows
  // Its deliveries were deleted by age.
  for (const row of leased.filter(({ id }) => id === null)) await endQueue(knex, row.webhook_id, row.queue, lease)
  return leased.filter(({ id }) => id !== null).map((row) => toLeased(lease, row))
}

/** Locks a queue until the transaction ends. False: another node has taken it since. */
export async function lockQueue(trx: Knex, webhookId: string, queue: string, lease: string): Promise<boolean> {
  const row = await trx('webhook_queues').where({ webhook_id: webhookId, queue, lease }).forUpdate().first('lease')
  return row !== undefined
}

/** After a lock of the queue: with the next pending delivery it is due at once, without one it ends. */
export async function advanceQueue(trx: Knex, webhookId: string, queue: string): Promise<void> {
  const next = await trx('webhook_deliveries').where({ webhook_id: webhookId, queue, state: 'pending' }).first('id')
  const row = trx('webhook_queues').where({ webhook_id: webhookId, queue })
  await (next ? row.update({ due_at: trx.fn.now(), lease: null }) : row.delete())
}

async function endQueue(knex: Knex, webhookId: string, queue: string, lease: string): Promise<void> {
  await knex.transaction(async (trx) => {
    if (await lockQueue(trx, webhookId, queue, lease)) await advanceQueue(trx, webhookId, queue)
  })
}

/** After a lock of the queue: it is due again after so many seconds. */
export async function postponeQueue(trx: Knex, webhookId: string, queue: string, seconds: number): Promise<void> {
  const due = trx.raw('now() + make_interval(secs => ?)', [seconds])
  await trx('webhook_queues').where({ webhook_id: webhookId, queue }).update({ due_at: due, lease: null })
}

/** Gives a queue back that was taken and not attempted: another node takes it at once. */
export async function releaseQueue(knex: Knex, { webhookId, queue, lease }: LeasedDelivery): Promise<void> {
  const due = { due_at: knex.fn.now(), lease: null }
  await knex('webhook_queues').where({ webhook_id: webhookId, queue, lease }).update(due)
}

/** Adds a queue for a delivery that no earlier one holds back. */
export async function addQueue(trx: Knex, webhookId: string, queue: string): Promise<void> {
  await trx('webhook_queues').insert({ webhook_id: webhookId, queue, due_at: trx.fn.now() })
}
