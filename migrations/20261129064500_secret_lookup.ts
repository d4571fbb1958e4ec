/**
 * *Inspect* finds a client secret or API key by its hash, and by its last four characters. Both columns never change after the
 * row is inserted, so an update of the last use touches no index.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX client_secrets_by_hash ON client_secrets (hash);
    CREATE INDEX client_secrets_by_last_four ON client_secrets (last_four, id)`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX client_secrets_by_last_four; DROP INDEX client_secrets_by_hash')
}
