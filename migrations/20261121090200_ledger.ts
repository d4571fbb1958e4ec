/**
 * The ledger: every access token that was issued and may still be valid.
 *
 * Partitioned by the day of expiry, so that what has expired leaves by dropping a table (promise 8). No foreign keys:
 * they would lock the referenced rows once per token for what the issuing statement checks anyway.
 *
 * A slot holds, for each (client, API, subject) under the policy `single`, the generation of its last token. A token is
 * alive while its generation is not below its slot's: replacing a token is one row's update, whatever it replaces, and
 * the row's lock puts concurrent issuers in the order of their commits.
 *
 * The views are the one place that says when a token is active: nothing has ended it by itself, and it is of its client's
 * present epoch. Every door reads them.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE access_tokens (
      jti        uuid NOT NULL,
      expires_at timestamptz NOT NULL,
      issued_at  timestamptz NOT NULL,
      revoked_at timestamptz,
      client_id  bigint NOT NULL,
      secret_id  bigint,
      generation bigint NOT NULL,
      api_id     integer NOT NULL,
      epoch      integer NOT NULL,
      subject    text NOT NULL,
      scope      text NOT NULL,
      grant_id   uuid,
      PRIMARY KEY (jti, expires_at)
    ) PARTITION BY RANGE (expires_at);
    COMMENT ON COLUMN access_tokens.subject IS 'empty: the client itself (client_credentials)';
    COMMENT ON COLUMN access_tokens.grant_id IS 'the authorization or refresh family that the token came of';
    CREATE INDEX access_tokens_by_client ON access_tokens (client_id);
    CREATE INDEX access_tokens_by_subject ON access_tokens (subject) WHERE subject <> '';
    CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id) WHERE grant_id IS NOT NULL;

    CREATE SEQUENCE token_generations AS bigint CACHE 1;

    CREATE TABLE token_slots (
      client_id  bigint NOT NULL,
      api_id     integer NOT NULL,
      subject    text NOT NULL,
      generation bigint NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (client_id, api_id, subject)
    ) WITH (fillfactor = 50);

    CREATE VIEW unended_access_tokens AS
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN token_slots g
          ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.expires_at > now()
         AND t.revoked_at IS NULL
         AND t.generation >= coalesce(g.generation, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

    CREATE VIEW active_access_tokens AS
      SELECT t.jti, t.expires_at, t.issued_at, t.subject, t.scope, t.grant_id, t.secret_id,
             t.client_id AS client_key, c.client_id, c.account_id, c.user_id, t.api_id, a.identifier AS audience
        FROM unended_access_tokens t
        JOIN clients c ON c.id = t.client_id
        JOIN apis a ON a.id = t.api_id
       WHERE c.status = 'active'
         AND t.epoch = c.epoch;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW active_access_tokens; DROP VIEW unended_access_tokens; DROP TABLE token_slots; DROP SEQUENCE token_generations; DROP TABLE access_tokens;
  `)
}
