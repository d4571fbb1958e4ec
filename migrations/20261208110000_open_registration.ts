/**
 * Open registration (RFC 7591, section 3, without an initial access token): which account holds clients that strangers registered, and
 * which APIs and scopes they may have. Without an account nobody can register so.
 *
 * The way back switches open registration to registration with initial access tokens.
 */
import type { Knex } from 'knex'

const allow = (values: string) => `
  ALTER TABLE instance_settings
    DROP CONSTRAINT instance_settings_dynamic_registration,
    ADD CONSTRAINT instance_settings_dynamic_registration CHECK (dynamic_registration IN (${values}))`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings
      ADD COLUMN open_registration_account uuid
        CONSTRAINT instance_settings_open_registration_account REFERENCES accounts ON DELETE SET NULL,
      ADD COLUMN open_registration_apis text[] NOT NULL DEFAULT '{}',
      ADD COLUMN open_registration_scopes text[];
    ${allow(`'off', 'initial_access_token', 'open'`)}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    UPDATE instance_settings SET dynamic_registration = 'initial_access_token' WHERE dynamic_registration = 'open';
    ${allow(`'off', 'initial_access_token'`)};
    ALTER TABLE instance_settings
      DROP COLUMN open_registration_account, DROP COLUMN open_registration_apis, DROP COLUMN open_registration_scopes`)
}
