/**
 * A description of an application, for the admins of its account. Existing applications have none.
 *
 * The way back deletes the descriptions.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN description text NOT NULL DEFAULT '',
      ADD CONSTRAINT clients_description CHECK (char_length(description) <= 500) NOT VALID`)
  // Checks existing rows without blocking changes of them.
  await knex.raw('ALTER TABLE clients VALIDATE CONSTRAINT clients_description')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN description')
}
