/**
 * Reports of leaked client secrets, API keys and tokens: one row per credential, so that a repeated report changes nothing, and
 * what the console shows until it is dismissed or the credential is replaced. A row holds the hash of the credential, never
 * the credential.
 *
 * It has no foreign keys: the check of one would lock the client's row before the locks that a revocation takes first, which
 * leads to deadlocks. The job that deletes old rows also deletes those of clients that no longer exist.
 *
 * The way back deletes the reports.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE accounts
      ADD COLUMN leaked_credentials text NOT NULL DEFAULT 'revoke',
      ADD CONSTRAINT accounts_leaked_credentials CHECK (leaked_credentials IN ('revoke', 'report')) NOT VALID`)
  // Checks existing rows without blocking changes of them.
  await knex.raw('ALTER TABLE accounts VALIDATE CONSTRAINT accounts_leaked_credentials')
  await knex.raw(`
    CREATE TABLE leaks (
      id              uuid PRIMARY KEY,
      credential_hash bytea NOT NULL CONSTRAINT leaks_credential_unique UNIQUE,
      kind            text NOT NULL,
      account_id      uuid,
      client_id       bigint NOT NULL,
      secret_id       bigint,
      last_four       text,
      revoked         boolean NOT NULL,
      url             text,
      source          text,
      reporter        text NOT NULL,
      reported_at     timestamptz NOT NULL DEFAULT now(),
      dismissed_at    timestamptz,
      CONSTRAINT leaks_kind CHECK (kind IN ('client_secret', 'api_key', 'access_token', 'refresh_token')),
      CONSTRAINT leaks_reporter CHECK (reporter IN ('api', 'github')),
      CONSTRAINT leaks_hash CHECK (octet_length(credential_hash) = 32)
    );
    COMMENT ON COLUMN leaks.credential_hash IS 'of a refresh token: the hash of the part that its family shares; of an access token: of its jti';
    COMMENT ON COLUMN leaks.revoked IS 'false: the account wants reports only';
    CREATE INDEX leaks_by_time ON leaks (reported_at, id);
    CREATE INDEX leaks_of_account ON leaks (account_id, reported_at, id);
    CREATE INDEX leaks_not_dismissed ON leaks (account_id) WHERE dismissed_at IS NULL;

    CREATE VIEW open_leaks AS
      SELECT l.*
        FROM leaks l
        JOIN clients c ON c.id = l.client_id
       WHERE l.dismissed_at IS NULL AND c.status = 'active'
         AND (l.secret_id IS NULL
           OR EXISTS (SELECT FROM client_secrets s WHERE s.id = l.secret_id AND (s.retires_at IS NULL OR s.retires_at > now()))
           OR NOT EXISTS (SELECT FROM client_secrets n
                           WHERE n.client_id = l.client_id AND n.id > l.secret_id
                             AND n.kind = CASE l.kind WHEN 'api_key' THEN 'api_key' ELSE 'secret' END));
    COMMENT ON VIEW open_leaks IS 'not dismissed, and the secret is not replaced: the console shows them'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW open_leaks; DROP TABLE leaks;
    ALTER TABLE accounts DROP COLUMN leaked_credentials`)
}
