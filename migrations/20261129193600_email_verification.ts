/**
 * Links by which users verify their address, and by which they change it. A link to a new address goes to that address.
 *
 * The way back deletes these links.
 */
import type { Knex } from 'knex'

const allow = (purposes: string): string => `
  ALTER TABLE mail_links DROP CONSTRAINT mail_links_purpose;
  ALTER TABLE mail_links ADD CONSTRAINT mail_links_purpose CHECK (purpose IN (${purposes}))`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(allow(`'invitation', 'password_reset', 'email_verification', 'email_change'`))
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`DELETE FROM mail_links WHERE purpose IN ('email_verification', 'email_change')`)
  await knex.raw(allow(`'invitation', 'password_reset'`))
}
