/**
 * The access-token store: a row for every access token that may still be valid. A token without a row is inactive.
 *
 * `access_tokens` is partitioned by the day of expiry, so that expired tokens are deleted by dropping a table. It has no
 * foreign keys: they would lock the referenced rows once per token for what the recording statement checks anyway.
 *
 * Token policy `single`: `single_tokens` has one row per (client, API, subject) with the sequence number of the newest token.
 * A token with a smaller number is revoked. Replacing a token is one update of this row, whatever it replaces; the lock of the
 * row orders concurrent transactions by their commits. The number is the time of the database in microseconds and always
 * greater than the row's previous number, so it does not depend on a sequence or on a clock that is never set back.
 *
 * The views alone define when a token is active. `unrevoked_access_tokens`: neither it, nor its secret, nor a newer token
 * under `single` revoked it. `client_access_tokens`: its client is active and of the same revocation epoch. `active_access_tokens`:
 * it has not expired.
 *
 * `current_api_versions` is volatile: it sees settings that were committed after the calling statement began, which happens
 * while that statement waits for a lock. `require_primary` fails on a standby, whose snapshot is older than what was already
 * answered: statements whose answer must not be old call it (behind a pooler, a statement may reach a standby although the
 * connection was made to the primary).
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION require_primary() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
    BEGIN
      IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby; its answer may be old' USING ERRCODE = '25006';
      END IF;
      RETURN true;
    END $$;

    CREATE FUNCTION current_api_versions(keys integer[]) RETURNS TABLE(api integer, version integer) LANGUAGE plpgsql AS $$
    BEGIN
      RETURN QUERY SELECT a.id, a.version FROM apis a WHERE a.id = ANY (keys);
    END $$;

    CREATE TABLE access_tokens (
      jti              uuid NOT NULL,
      expires_at       timestamptz NOT NULL,
      issued_at        timestamptz NOT NULL,
      revoked_at       timestamptz,
      client_id        bigint NOT NULL,
      secret_id        bigint,
      sequence         bigint NOT NULL,
      api_id           integer NOT NULL,
      revocation_epoch integer NOT NULL,
      subject          text NOT NULL,
      scope            text NOT NULL,
      grant_id         uuid,
      status_list      bigint,
      status_index     integer,
      PRIMARY KEY (jti, expires_at)
    ) PARTITION BY RANGE (expires_at);
    COMMENT ON COLUMN access_tokens.subject IS 'empty: the client itself (client_credentials)';
    COMMENT ON COLUMN access_tokens.grant_id IS 'the authorization code or refresh-token family that the token was issued from';
    CREATE INDEX access_tokens_of_client ON access_tokens (client_id, issued_at);
    CREATE INDEX access_tokens_by_subject ON access_tokens (subject) WHERE subject <> '';
    CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id) WHERE grant_id IS NOT NULL;
    CREATE INDEX access_tokens_by_status_list ON access_tokens (status_list) WHERE status_list IS NOT NULL;

    CREATE TABLE single_tokens (
      client_id      bigint NOT NULL,
      api_id         integer NOT NULL,
      subject        text NOT NULL,
      sequence       bigint NOT NULL,
      expires_at     timestamptz NOT NULL,
      status_list    bigint,
      status_index   integer,
      client_version integer,
      api_version    integer,
      PRIMARY KEY (client_id, api_id, subject)
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN single_tokens.sequence IS
      'microseconds since 1970 when the newest token was recorded; always greater than the number before';
    COMMENT ON COLUMN single_tokens.status_list IS 'with status_index, the status index of the newest token';

    CREATE FUNCTION increase_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.sequence := OLD.sequence + 1;
      RETURN NEW;
    END $$;
    CREATE TRIGGER single_tokens_sequence_increases BEFORE UPDATE OF sequence ON single_tokens
      FOR EACH ROW WHEN (NEW.sequence <= OLD.sequence) EXECUTE FUNCTION increase_sequence();

    CREATE VIEW unrevoked_access_tokens AS
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN single_tokens g ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.revoked_at IS NULL
         AND t.sequence >= coalesce(g.sequence, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

    CREATE VIEW unexpired_access_tokens AS SELECT * FROM unrevoked_access_tokens WHERE expires_at > now();
    COMMENT ON VIEW unexpired_access_tokens IS 'neither revoked by itself nor expired; the client may have been deactivated';

    CREATE VIEW client_access_tokens AS
      SELECT t.*, c.client_id AS client_identifier, c.account_id, c.user_id
        FROM unrevoked_access_tokens t
        JOIN clients c ON c.id = t.client_id
       WHERE c.status = 'active' AND t.revocation_epoch = c.revocation_epoch;
    COMMENT ON VIEW client_access_tokens IS 'not revoked; they may have expired';

    CREATE VIEW active_access_tokens AS
      SELECT t.jti, t.expires_at, t.issued_at, t.subject, t.scope, t.grant_id, t.secret_id, t.client_id AS client_key,
             t.client_identifier AS client_id, t.account_id, t.user_id, t.api_id, a.identifier AS audience
        FROM client_access_tokens t
        JOIN apis a ON a.id = t.api_id
       WHERE t.expires_at > now();
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP VIEW active_access_tokens; DROP VIEW client_access_tokens; DROP VIEW unexpired_access_tokens;
    DROP VIEW unrevoked_access_tokens; DROP TABLE single_tokens; DROP FUNCTION increase_sequence();
    DROP TABLE access_tokens; DROP FUNCTION current_api_versions(integer[]); DROP FUNCTION require_primary();
  `)
}
