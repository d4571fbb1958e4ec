/**
 * The trace of the request that recorded an event (W3C Trace Context), so that the delivery of the event belongs to it. Null: spans
 * are not exported, or the event was not caused by a request.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE audit_log ADD COLUMN traceparent text')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE audit_log DROP COLUMN traceparent')
}
