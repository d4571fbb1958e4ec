/**
 * Links of an application (client metadata, RFC 7591, section 2) for its allow/deny page, and a text of the operator for the
 * sign-in page. Both are read for these pages only; the cached registrations do not have them.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN client_uri text,
      ADD COLUMN policy_uri text,
      ADD COLUMN tos_uri    text;
    ALTER TABLE instance_settings
      ADD COLUMN sign_in_text text,
      ADD CONSTRAINT instance_settings_sign_in_text CHECK (char_length(sign_in_text) BETWEEN 1 AND 300);
    COMMENT ON COLUMN clients.client_uri IS 'the home page of the application';
    COMMENT ON COLUMN instance_settings.sign_in_text IS 'plain text on the sign-in page; null: none';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients DROP COLUMN client_uri, DROP COLUMN policy_uri, DROP COLUMN tos_uri;
    ALTER TABLE instance_settings DROP COLUMN sign_in_text;
  `)
}
