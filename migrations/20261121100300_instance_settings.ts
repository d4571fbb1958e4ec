/**
 * What the operator decides for the whole instance: how its pages look, and whether its API is open at all. One row, so
 * that every issuer can hold it: after the API was switched off, nothing more is issued by whoever had looked before.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE instance_settings (
      one_row     boolean PRIMARY KEY DEFAULT true,
      name        text NOT NULL DEFAULT 'Keywright',
      accent      text NOT NULL DEFAULT '#1f5fbf',
      logo        bytea,
      logo_type   text,
      api_enabled boolean NOT NULL DEFAULT true,
      updated_at  timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT instance_settings_one_row CHECK (one_row),
      CONSTRAINT instance_settings_name CHECK (char_length(name) BETWEEN 1 AND 60),
      CONSTRAINT instance_settings_accent CHECK (accent ~ '^#[0-9a-f]{6}$'),
      CONSTRAINT instance_settings_logo CHECK ((logo IS NULL) = (logo_type IS NULL) AND octet_length(logo) <= 262144),
      CONSTRAINT instance_settings_logo_type CHECK (
        logo_type IN ('image/png', 'image/jpeg', 'image/webp', 'image/svg+xml'))
    );
    INSERT INTO instance_settings DEFAULT VALUES;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE instance_settings')
}
