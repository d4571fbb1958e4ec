/**
 * Rate limits hold across nodes because their one number per client lives here: the theoretical arrival time of the
 * generic cell rate algorithm (ITU-T I.371). Lost in a crash it only forgives, so the table is unlogged.
 *
 * The audit log is written in the transaction of the act it tells of.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE UNLOGGED TABLE rate_limits (
      client_id  bigint PRIMARY KEY,
      arrival_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);

    CREATE TABLE audit_log (
      id          uuid PRIMARY KEY,
      at          timestamptz NOT NULL DEFAULT now(),
      action      text NOT NULL,
      actor_type  text NOT NULL,
      actor_id    text,
      account_id  uuid,
      target_type text NOT NULL,
      target_id   text NOT NULL,
      ip          text,
      request_id  text,
      detail      jsonb NOT NULL DEFAULT '{}',
      CONSTRAINT audit_log_actor_type CHECK (actor_type IN ('system', 'cli', 'user', 'client'))
    );
    CREATE INDEX audit_log_by_account ON audit_log (account_id, at);
    CREATE INDEX audit_log_by_time ON audit_log (at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE audit_log; DROP TABLE rate_limits;')
}
