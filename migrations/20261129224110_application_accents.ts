/** The accent colour of an application, for its sign-in and allow/deny pages. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN accent text;
    ALTER TABLE clients ADD CONSTRAINT clients_accent CHECK (accent ~ '^#[0-9a-f]{6}$') NOT VALID;
    ALTER TABLE clients VALIDATE CONSTRAINT clients_accent;
    COMMENT ON COLUMN clients.accent IS 'null: that of the instance';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN accent')
}
