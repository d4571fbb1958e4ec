/** The language that a user selected, for their pages and the messages to them. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users ADD COLUMN language text;
    ALTER TABLE users ADD CONSTRAINT users_language CHECK (language ~ '^[a-z]{2}$') NOT VALID;
    ALTER TABLE users VALIDATE CONSTRAINT users_language;
    COMMENT ON COLUMN users.language IS 'A code of src/languages/languages.ts; null: no preference';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE users DROP COLUMN language')
}
