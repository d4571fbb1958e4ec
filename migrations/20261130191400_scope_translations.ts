/** The texts of a scope in several languages, so that users read the consent page in theirs. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE scope_texts ADD COLUMN translations jsonb NOT NULL DEFAULT '{}';
    ALTER TABLE scope_texts ADD CONSTRAINT scope_texts_translations CHECK (jsonb_typeof(translations) = 'object') NOT VALID;
    ALTER TABLE scope_texts VALIDATE CONSTRAINT scope_texts_translations;
    COMMENT ON COLUMN scope_texts.translations IS 'title and description by language tag (RFC 5646)';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE scope_texts DROP COLUMN translations')
}
