import type { Knex } from 'knex'

/** SQL: the position after which events have no deliveries yet, and the end of the chain. No row: there is nothing to do. */
const PENDING_EVENTS = `
  SELECT greatest(c.seq, w.earliest) AS seq
    FROM webhook_cursor c, audit_chain a, (SELECT min(from_seq) AS earliest FROM webhooks WHERE status = 'enabled') w
   WHERE w.earliest IS NOT NULL AND a.head_seq > greatest(c.seq, w.earliest)`

/** SQL: the queue of the deliveries of an event's target. A hash: an identifier may be too long for an index. */
const QUEUE = `md5(p.target_type || ':' || p.target_id)::uuid`

/** SQL. Queues are locked in one order; a node that finishes a delivery locks only one. */
const CREATE = `
  WITH page AS MATERIALIZED (
    SELECT id, seq, action, account_id, target_type, target_id FROM audit_log WHERE seq > :after ORDER BY seq LIMIT :limit
  ), made AS (
    INSERT INTO webhook_deliveries (id, webhook_id, event_id, seq, action, queue)
    SELECT gen_random_uuid(), w.id, p.id, p.seq, p.action, ${QUEUE}
      FROM page p
      -- Not one join with OR, which would compare each event with each webhook.
     CROSS JOIN LATERAL (SELECT * FROM webhooks WHERE account_id IS NULL
                          UNION ALL SELECT * FROM webhooks WHERE account_id = p.account_id) w
     WHERE w.status = 'enabled' AND p.seq > w.from_seq AND (w.actions IS NULL OR p.action = ANY (w.actions))
       -- Its first event would be its own creation.
       AND (p.target_type <> 'webhook' OR p.target_id <> w.id::text)
        ON CONFLICT DO NOTHING
    RETURNING webhook_id, queue
  ), queues AS (
    INSERT INTO webhook_queues AS q (webhook_id, queue, due_at)
    SELECT DISTINCT webhook_id, queue, now() FROM made ORDER BY webhook_id, queue
        ON CONFLICT (webhook_id, queue) DO UPDATE SET due_at = q.due_at
  ), moved AS (
    UPDATE webhook_cursor SET seq = greatest(seq, (SELECT max(seq) FROM page)) WHERE EXISTS (SELECT FROM page)
  )
  SELECT count(*)::int AS events, (SELECT count(*)::int FROM made) AS deliveries FROM page`

interface Created {
  readonly events: number
  readonly deliveries: number
}

/** Undefined: another node is at it, or there is nothing to do. */
async function createSome(knex: Knex, limit: number): Promise<Created | undefined> {
  return await knex.transaction(async (trx) => {
    if (!(await trx('webhook_cursor').forUpdate().skipLocked().first('seq'))) return undefined
    const { rows } = await trx.raw(PENDING_EVENTS)
    if (rows.length === 0) return undefined
    const created = await trx.raw(CREATE, { after: rows[0].seq, limit })
    return created.rows[0]
  })
}

/**
 * Creates the deliveries of the events that are new in the audit chain, `batch` events in a transaction; returns how many
 * deliveries. A webhook gets each event once, in the order of the chain. Without webhooks, or without events, it costs one small
 * statement.
 */
export async function createDeliveries(knex: Knex, batch: number): Promise<number> {
  const { rows } = await knex.raw(PENDING_EVENTS)
  if (rows.length === 0) return 0
  let count = 0
  for (;;) {
    const created = await createSome(knex, batch)
    count += created?.deliveries ?? 0
    if (!created || created.events < batch) return count
  }
}
