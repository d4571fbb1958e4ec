/** The language of e-mails to users without a language. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings ADD COLUMN default_language text NOT NULL DEFAULT 'en'
      CONSTRAINT instance_settings_default_language CHECK (default_language ~ '^[a-z]{2}$');
    COMMENT ON COLUMN instance_settings.default_language IS 'A code of src/languages/languages.ts'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE instance_settings DROP COLUMN default_language')
}
