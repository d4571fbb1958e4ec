import type { Knex } from 'knex'

/** Days for which deliveries and their attempts are kept, from the event. */
export const DELIVERY_RETENTION = 30

/** Deletes at most `limit` old deliveries with their attempts; returns how many. */
export async function deleteOldDeliveries(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM webhook_deliveries WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM webhook_deliveries WHERE created_at < now() - make_interval(days => ?)
        ORDER BY created_at LIMIT ? FOR UPDATE SKIP LOCKED))`,
    [DELIVERY_RETENTION, limit],
  )
  return rowCount
}

/** Deletes at most `limit` queues of webhooks that no longer exist; returns how many. */
export async function deleteQueuesWithoutWebhook(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM webhook_queues WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM webhook_queues q WHERE NOT EXISTS (SELECT FROM webhooks w WHERE w.id = q.webhook_id)
        LIMIT ? FOR UPDATE SKIP LOCKED))`,
    [limit],
  )
  return rowCount
}

/** Deletes at most `limit` previous secrets that no longer sign; returns how many. */
export async function deleteExpiredPreviousSecrets(knex: Knex, limit: number): Promise<number> {
  const expired = knex('webhooks').where('previous_expires_at', '<', knex.fn.now()).limit(limit).select('id')
  const none = { sealed_previous_secret: null, previous_expires_at: null }
  return await knex('webhooks').whereIn('id', expired).where('previous_expires_at', '<', knex.fn.now()).update(none)
}
