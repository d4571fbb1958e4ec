/** The origins of the company's own product, which console sessions may return to. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings ADD COLUMN product_origins text[] NOT NULL DEFAULT '{}';
    COMMENT ON COLUMN instance_settings.product_origins IS 'Web origins (RFC 6454) of the company''s product, such as https://app.example.com'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE instance_settings DROP COLUMN product_origins')
}
