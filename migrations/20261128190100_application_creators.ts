/**
 * When an admin is disabled, the applications that they added keep working. The user is recorded, so that the console can
 * list these applications and offer to archive them.
 */
import type { Knex } from 'knex'

/** The column stays null for the applications that exist. The index is built while changes of clients wait. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN created_by uuid CONSTRAINT clients_created_by REFERENCES users (id) ON DELETE SET NULL;
    COMMENT ON COLUMN clients.created_by IS 'the user who added the application; null: a program for itself, or the CLI';
    CREATE INDEX clients_by_creator ON clients (created_by, id) WHERE created_by IS NOT NULL;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN created_by')
}
