/**
 * The language of a message, fixed when the message is queued: a repeated attempt has the same Message-ID, and sends the same text. A
 * request for a new password keeps the language of its page. Its message has that language unless the user has one of their own.
 *
 * English stands for what a node of an earlier version adds.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE mail_messages ADD COLUMN language text NOT NULL DEFAULT 'en';
    COMMENT ON COLUMN mail_messages.language IS 'BCP 47';
    ALTER TABLE password_reset_requests ADD COLUMN language text NOT NULL DEFAULT 'en';
    COMMENT ON COLUMN password_reset_requests.language IS 'BCP 47: of the page on which the password was requested'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE password_reset_requests DROP COLUMN language;
    ALTER TABLE mail_messages DROP COLUMN language`)
}
