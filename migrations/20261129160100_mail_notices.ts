/**
 * Notices are messages about events of the activity log. A job reads the log in the order of its chain from where this cursor
 * stands, and adds the messages in the transaction that moves it: each event is read once, on whichever node, and none is lost
 * between the event and its message. The row appears when the first node that sends e-mail starts; earlier events get no notice.
 *
 * The way back forgets the position.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE mail_notice_cursor (
      one_row boolean PRIMARY KEY DEFAULT true,
      seq     bigint NOT NULL,
      CONSTRAINT mail_notice_cursor_one_row CHECK (one_row)
    );
    COMMENT ON COLUMN mail_notice_cursor.seq IS 'audit_log.seq of the last event whose notices are in the outbox'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE mail_notice_cursor')
}
