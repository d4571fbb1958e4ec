/**
 * E-mail. A message is written to the outbox in the transaction of its cause, and any node sends it. A node claims messages by
 * moving `next_attempt_at` into the future, so that no transaction is open while the SMTP server works, and a message whose node was
 * killed becomes due again. `id` is also the Message-ID: a message that is sent twice is one message for its reader.
 *
 * `parameters` holds what the template needs, never a link. It is deleted when the message was sent. The token of a link follows
 * from its id and ENCRYPTION_KEY (src/mail/link-tokens.ts), so that neither table holds a token or its hash.
 *
 * A request for a new password is one insert, whether or not the address has a user: the response time reveals nothing. A job
 * makes the message.
 *
 * `email_set_by_program`: a program that manages users must not get a way to sign in as one of them. Since a link for a new password
 * is sent to the address of a user, it is not sent to an address that a program set.
 *
 * The tables have no foreign keys: the check of one would lock the user's row before the locks of the features. The deletion of
 * a user deletes the rows.
 *
 * The way back deletes messages that were not sent and all links.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE mail_messages (
      id              uuid PRIMARY KEY,
      kind            text NOT NULL,
      recipient       text NOT NULL,
      user_id         uuid NOT NULL,
      account_id      uuid,
      link_id         uuid,
      parameters      jsonb,
      status          text NOT NULL DEFAULT 'queued',
      attempts        integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz DEFAULT now(),
      give_up_at      timestamptz NOT NULL,
      error           text,
      created_at      timestamptz NOT NULL DEFAULT now(),
      finished_at     timestamptz,
      CONSTRAINT mail_messages_status CHECK (status IN ('queued', 'sent', 'failed')),
      CONSTRAINT mail_messages_queued CHECK ((status = 'queued') = (next_attempt_at IS NOT NULL)),
      CONSTRAINT mail_messages_finished CHECK ((status = 'queued') = (finished_at IS NULL)),
      CONSTRAINT mail_messages_content CHECK (status <> 'sent' OR parameters IS NULL)
    );
    COMMENT ON COLUMN mail_messages.next_attempt_at IS 'while a node sends the message: when another node may take it over';
    CREATE INDEX mail_messages_due ON mail_messages (next_attempt_at) WHERE status = 'queued';
    CREATE INDEX mail_messages_by_time ON mail_messages (created_at, id);
    CREATE INDEX mail_messages_by_status ON mail_messages (status, created_at, id);
    CREATE INDEX mail_messages_of_user ON mail_messages (user_id);

    CREATE TABLE mail_links (
      id         uuid PRIMARY KEY,
      purpose    text NOT NULL,
      user_id    uuid NOT NULL,
      email      text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      used_at    timestamptz,
      CONSTRAINT mail_links_purpose CHECK (purpose IN ('invitation', 'password_reset'))
    );
    COMMENT ON COLUMN mail_links.email IS 'the address that the link was sent to';
    CREATE INDEX mail_links_of_user ON mail_links (user_id);

    CREATE TABLE password_reset_requests (
      id           uuid PRIMARY KEY,
      email_key    text NOT NULL,
      ip           text,
      request_id   text,
      requested_at timestamptz NOT NULL DEFAULT now()
    );

    ALTER TABLE users ADD COLUMN email_set_by_program boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN users.email_set_by_program IS 'true: no link for a new password is sent to the address'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users DROP COLUMN email_set_by_program;
    DROP TABLE password_reset_requests; DROP TABLE mail_links; DROP TABLE mail_messages`)
}
