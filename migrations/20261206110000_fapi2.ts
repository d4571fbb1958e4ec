/** Whether a client meets the FAPI 2.0 Security Profile. Nodes of the previous version do not enforce it: enable it when all are upgraded. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients ADD COLUMN fapi2 boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN fapi2')
}
