import type { Knex } from 'knex'
import { type AuditFollower, followAudit } from '../audit/audit-follower.ts'

/** SQL: the queue of the deliveries of an event's target. A hash: an identifier may be too long for an index. */
const QUEUE = `md5(p.target_type || ':' || p.target_id)::uuid`

/** SQL. Queues are locked in one order; a node that finishes a delivery locks only one. */
const CREATE = `
  WITH page AS MATERIALIZED (
    SELECT id, seq, action, account_id, target_type, target_id FROM audit_log WHERE seq > :after AND seq <= :end
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
  )
  SELECT count(*)::int AS deliveries FROM made`

const DELIVERIES: AuditFollower = {
  cursor: 'webhook_cursor',
  start: `SELECT min(from_seq) FROM webhooks WHERE status = 'enabled'`,
  async process(trx, after, end) {
    const { rows } = await trx.raw(CREATE, { after, end })
    return rows[0].deliveries
  },
}

/**
 * Creates the deliveries of the events that are new in the audit chain, `batch` events in a transaction; returns how many
 * deliveries. A webhook gets each event once, in the order of the chain. Without webhooks, or without events, it costs one small
 * statement.
 */
export const createDeliveries = (knex: Knex, batch: number): Promise<number> => followAudit(knex, DELIVERIES, batch)
