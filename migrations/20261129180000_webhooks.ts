/**
 * Webhooks: endpoints that receive the events of the activity log, with their deliveries and attempts.
 *
 * `webhook_cursor` says up to which event deliveries exist. It is a position in the audit chain (`audit_log.seq`), which is given
 * to events after their commit and one after the other, so that no event commits behind the cursor (docs/adr/0036-webhooks.md).
 * `webhook_queues` has one row per webhook and object with pending deliveries: a node takes the row, and thereby the oldest of
 * them. `due_at` is the time from which any node may take it.
 *
 * `audit_log.recorded_at` is when an event was written, after its transaction got its locks. `at` is when the transaction began,
 * so of two changes that waited for each other the later one may have the earlier `at`. Null: recorded by an earlier version.
 *
 * Deliveries have no foreign key to webhooks: a webhook with many deliveries is deleted at once, and a job deletes them later.
 * The way back deletes the webhooks.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // Two statements: a volatile default in the first one would rewrite the table.
  await knex.raw('ALTER TABLE audit_log ADD COLUMN recorded_at timestamptz')
  await knex.raw('ALTER TABLE audit_log ALTER COLUMN recorded_at SET DEFAULT clock_timestamp()')
  await knex.raw(`
    CREATE TABLE webhooks (
      id                     uuid PRIMARY KEY,
      account_id             uuid CONSTRAINT webhooks_account REFERENCES accounts ON DELETE CASCADE,
      name                   text NOT NULL,
      url                    text NOT NULL,
      actions                text[],
      status                 text NOT NULL DEFAULT 'enabled',
      disabled_reason        text,
      disabled_at            timestamptz,
      failing_since          timestamptz,
      from_seq               bigint NOT NULL,
      sealed_secret          bytea NOT NULL,
      sealed_previous_secret bytea,
      previous_expires_at    timestamptz,
      created_at             timestamptz NOT NULL DEFAULT now(),
      revision               int NOT NULL DEFAULT 1,
      CONSTRAINT webhooks_status CHECK (status IN ('enabled', 'disabled')),
      CONSTRAINT webhooks_disabled CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
      CONSTRAINT webhooks_reason CHECK (disabled_reason IN ('by_user', 'failing', 'gone'))
    );
    COMMENT ON COLUMN webhooks.account_id IS 'null: of the instance, it receives the events of all accounts';
    COMMENT ON COLUMN webhooks.actions IS 'null: all';
    COMMENT ON COLUMN webhooks.failing_since IS 'the first failed attempt since the last successful one';
    COMMENT ON COLUMN webhooks.from_seq IS 'it receives events after this position in the audit chain';
    CREATE INDEX webhooks_of_account ON webhooks (account_id, created_at, id);
    CREATE INDEX webhooks_by_time ON webhooks (created_at, id);
    CREATE INDEX webhooks_failed ON webhooks (account_id) WHERE disabled_reason IN ('failing', 'gone');

    CREATE TABLE webhook_deliveries (
      id          uuid PRIMARY KEY,
      webhook_id  uuid NOT NULL,
      event_id    uuid,
      seq         bigint NOT NULL,
      action      text NOT NULL,
      queue       uuid NOT NULL,
      state       text NOT NULL DEFAULT 'pending',
      attempts    int NOT NULL DEFAULT 0,
      last_result text,
      created_at  timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz,
      CONSTRAINT webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
      CONSTRAINT webhook_deliveries_event_once UNIQUE (webhook_id, event_id)
    );
    COMMENT ON COLUMN webhook_deliveries.event_id IS 'an event of the audit log; null: a test';
    COMMENT ON COLUMN webhook_deliveries.queue IS 'the deliveries of a queue are attempted one after the other: those of one object';
    COMMENT ON COLUMN webhook_deliveries.last_result IS 'the status of the last response, or why there was none';
    CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (webhook_id, created_at, seq, id);
    CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, queue, seq) WHERE state = 'pending';
    CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

    CREATE TABLE webhook_attempts (
      delivery_id uuid NOT NULL CONSTRAINT webhook_attempts_delivery REFERENCES webhook_deliveries ON DELETE CASCADE,
      number      int NOT NULL,
      at          timestamptz NOT NULL,
      duration    int NOT NULL,
      status      int,
      error       text,
      response    text,
      PRIMARY KEY (delivery_id, number)
    );
    COMMENT ON COLUMN webhook_attempts.duration IS 'milliseconds';
    COMMENT ON COLUMN webhook_attempts.response IS 'the beginning of the body';

    CREATE TABLE webhook_queues (
      webhook_id uuid NOT NULL,
      queue      uuid NOT NULL,
      due_at     timestamptz NOT NULL,
      lease      uuid,
      PRIMARY KEY (webhook_id, queue)
    );
    COMMENT ON COLUMN webhook_queues.lease IS 'of the node that attempts the oldest delivery until due_at';
    CREATE INDEX webhook_queues_due ON webhook_queues (webhook_id, due_at);

    CREATE TABLE webhook_cursor (
      one_row boolean PRIMARY KEY DEFAULT true,
      seq     bigint NOT NULL,
      CONSTRAINT webhook_cursor_one_row CHECK (one_row)
    );
    INSERT INTO webhook_cursor (seq) SELECT coalesce(max(head_seq), 0) FROM audit_chain`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE webhook_cursor; DROP TABLE webhook_queues; DROP TABLE webhook_attempts;
    DROP TABLE webhook_deliveries; DROP TABLE webhooks;
    ALTER TABLE audit_log DROP COLUMN recorded_at`)
}
