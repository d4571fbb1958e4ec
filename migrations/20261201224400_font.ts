/** The font of the pages, of a fixed set. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings ADD COLUMN font text NOT NULL DEFAULT 'system'
      CONSTRAINT instance_settings_font
      CHECK (font IN ('system', 'humanist', 'geometric', 'grotesque', 'rounded', 'serif'))`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE instance_settings DROP COLUMN font')
}
