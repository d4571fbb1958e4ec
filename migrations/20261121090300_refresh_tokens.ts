/**
 * Refresh tokens: one row for each that is live, however often it was rotated. A token carries two secrets: the family's
 * stays, the turn's changes with each redemption. Whoever shows the family's secret with a turn that has passed was once
 * given that token, so reuse is recognised without keeping what was used.
 *
 * `answer` keeps what the last turn was answered with, sealed under a key that only the redeemed token itself gives, for
 * the short while in which a client may be retrying after a lost response.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE refresh_tokens (
      grant_id      uuid PRIMARY KEY,
      family_hash   bytea NOT NULL CONSTRAINT refresh_tokens_family_unique UNIQUE,
      turn_hash     bytea NOT NULL,
      previous_hash bytea,
      turned_at     timestamptz,
      answer        bytea,
      client_id     bigint NOT NULL CONSTRAINT refresh_tokens_client REFERENCES clients (id) ON DELETE CASCADE,
      secret_id     bigint,
      api_id        integer NOT NULL CONSTRAINT refresh_tokens_api REFERENCES apis (id),
      epoch         integer NOT NULL,
      subject       text NOT NULL,
      scope         text NOT NULL,
      created_at    timestamptz NOT NULL DEFAULT now(),
      expires_at    timestamptz NOT NULL,
      revoked_at    timestamptz,
      CONSTRAINT refresh_tokens_hashes CHECK (octet_length(family_hash) = 32 AND octet_length(turn_hash) = 32)
    );
    CREATE INDEX refresh_tokens_by_client ON refresh_tokens (client_id);
    CREATE INDEX refresh_tokens_by_subject ON refresh_tokens (subject) WHERE subject <> '';
    CREATE INDEX refresh_tokens_expired ON refresh_tokens (expires_at);
    CREATE INDEX refresh_tokens_revoked ON refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
    CREATE INDEX refresh_tokens_answered ON refresh_tokens (turned_at) WHERE answer IS NOT NULL;

    CREATE VIEW active_refresh_tokens AS
      SELECT r.*, c.client_id AS client_identifier, a.identifier AS audience
        FROM refresh_tokens r
        JOIN clients c ON c.id = r.client_id
        JOIN apis a ON a.id = r.api_id
        LEFT JOIN client_secrets s ON s.id = r.secret_id
       WHERE r.expires_at > now()
         AND r.revoked_at IS NULL
         AND c.status = 'active'
         AND r.epoch = c.epoch
         AND (r.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP VIEW active_refresh_tokens; DROP TABLE refresh_tokens;')
}
