/** Whether a client must sign its authorization requests (RFC 9101). Nodes of the previous version do not require it: enable it when all are upgraded. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients ADD COLUMN request_objects_required boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN request_objects_required')
}
