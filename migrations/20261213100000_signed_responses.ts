/** Whether a client gets signed authorization responses only (JARM). Nodes of the previous version do not sign: enable it when all are upgraded. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients ADD COLUMN signed_responses_required boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN signed_responses_required')
}
