/** Whether a client may name an endpoint of this server as the audience of its assertions, as clients did before RFC 7523bis. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients ADD COLUMN endpoint_audiences boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN endpoint_audiences')
}
