/**
 * Token status lists and the revocation feed: resource servers learn which tokens are revoked without introspection
 * (docs/adr/0015-status-lists.md).
 *
 * A token has a status index in a list of its API. The access-token store stays the source of truth: a bit is set when its
 * token is recorded and not in `client_access_tokens`. Nodes lease ranges of indexes. A list is used by one run of the
 * PostgreSQL server only (`server_started_at`): a promoted standby or a restored copy may have lost leases, and would lease
 * the same indexes again. `order_key` keys the permutation in which a list gives out its indexes.
 *
 * `revocations` is written by triggers in the transaction that revokes. A row holds the status indexes of revoked tokens, or
 * what revoked them: a revocation epoch of a client, a secret, or a sequence number under `single`. A feed cursor is a
 * snapshot of the database: the next read returns exactly the rows that this snapshot does not see, in whatever order
 * transactions commit. `revocation_checkpoints` keeps a snapshot every few seconds, for readers without a cursor.
 *
 * `database_timeline()` identifies the history that a database is in: the cluster and its WAL timeline, which a promotion
 * and a point-in-time recovery raise. A cursor of another history does not count. Where these functions are not available
 * (Amazon Aurora, whose failover loses nothing), the start of the server identifies the history.
 *
 * The triggers disable nested loops: a session plans their statements once, for one row, and would later compare each of
 * ten thousand rows with each.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION database_timeline() RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
      RETURN (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN
      RETURN 'unknown/' || floor(extract(epoch FROM pg_postmaster_start_time()));
    END $$;
    COMMENT ON FUNCTION database_timeline() IS 'the cluster, and the WAL timeline that it writes';

    CREATE TABLE status_lists (
      id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      public_id         uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT status_lists_public_id_unique UNIQUE,
      api_id            integer NOT NULL,
      order_key         bytea NOT NULL,
      size              integer NOT NULL DEFAULT 65536,
      next              integer NOT NULL DEFAULT 0,
      opened_at         timestamptz NOT NULL DEFAULT now(),
      closed_at         timestamptz,
      server_started_at timestamptz NOT NULL DEFAULT pg_postmaster_start_time(),
      CONSTRAINT status_lists_order_key CHECK (octet_length(order_key) = 32),
      CONSTRAINT status_lists_size CHECK (size IN (65536, 262144, 1048576))
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN status_lists.next IS 'how many indexes were leased, in the order that order_key gives';
    COMMENT ON COLUMN status_lists.closed_at IS 'null: open';
    COMMENT ON COLUMN status_lists.server_started_at IS 'the run of the PostgreSQL server that uses the list';
    CREATE INDEX status_lists_by_api ON status_lists (api_id, id);
    CREATE UNIQUE INDEX status_lists_one_open ON status_lists (api_id) WHERE closed_at IS NULL;
    CREATE TRIGGER status_lists_key_increases BEFORE INSERT ON status_lists FOR EACH ROW EXECUTE FUNCTION increase_key();

    CREATE UNLOGGED TABLE cached_list_tokens (
      list_id  bigint PRIMARY KEY CONSTRAINT cached_list_tokens_list REFERENCES status_lists (id) ON DELETE CASCADE,
      jwt      text NOT NULL,
      at       double precision NOT NULL,
      snapshot text NOT NULL,
      timeline text NOT NULL
    );
    COMMENT ON TABLE cached_list_tokens IS 'the status list token that one node signed for all; without it, each node signs';
    COMMENT ON COLUMN cached_list_tokens.at IS 'milliseconds since 1970; the list holds what the snapshot of that moment sees';

    CREATE TABLE revocations (
      xid              xid8 NOT NULL DEFAULT pg_current_xact_id(),
      id               bigint GENERATED ALWAYS AS IDENTITY,
      at               timestamptz NOT NULL DEFAULT clock_timestamp(),
      status_list      bigint,
      status_indexes   integer[],
      client_id        bigint,
      revocation_epoch integer,
      secret_id        bigint,
      api_id           integer,
      subject          text,
      sequence         bigint,
      PRIMARY KEY (xid, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
    COMMENT ON TABLE revocations IS
      'each row: status indexes of a list; or the revocation epoch, the secret or the sequence number that revoked tokens';

    CREATE TABLE revocation_checkpoints (
      at       timestamptz PRIMARY KEY,
      snapshot pg_snapshot NOT NULL,
      timeline text NOT NULL DEFAULT database_timeline()
    );
    COMMENT ON TABLE revocation_checkpoints IS 'every revocation that was committed by then is visible in the snapshot';

    CREATE FUNCTION record_revoked_tokens() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
    BEGIN
      INSERT INTO revocations (status_list, status_indexes)
      SELECT n.status_list, array_agg(n.status_index)
        FROM fresh n JOIN stale o ON o.jti = n.jti AND o.expires_at = n.expires_at
       WHERE n.revoked_at IS NOT NULL AND o.revoked_at IS NULL AND n.status_list IS NOT NULL
       GROUP BY n.status_list;
      RETURN NULL;
    END $$;
    CREATE TRIGGER access_tokens_revoked AFTER UPDATE ON access_tokens
      REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_revoked_tokens();

    CREATE FUNCTION record_revoked_clients() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
    BEGIN
      INSERT INTO revocations (client_id, revocation_epoch)
      SELECT o.id, o.revocation_epoch
        FROM fresh n JOIN stale o ON o.id = n.id
       WHERE o.status = 'active' AND o.kind <> 'api'
         AND (n.revocation_epoch <> o.revocation_epoch OR n.status <> 'active');
      RETURN NULL;
    END $$;
    CREATE TRIGGER clients_revoked AFTER UPDATE ON clients
      REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_revoked_clients();

    CREATE FUNCTION record_retired_secret() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO revocations (client_id, secret_id) VALUES (NEW.client_id, NEW.id);
      RETURN NULL;
    END $$;
    CREATE TRIGGER client_secrets_retired AFTER UPDATE OF retires_at ON client_secrets
      FOR EACH ROW WHEN (NEW.retires_at IS DISTINCT FROM OLD.retires_at AND NEW.kind = 'secret')
      EXECUTE FUNCTION record_retired_secret();

    CREATE FUNCTION record_started_single_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO revocations (client_id, api_id, subject, sequence)
      SELECT client_id, api_id, subject, sequence FROM fresh;
      RETURN NULL;
    END $$;
    CREATE TRIGGER single_tokens_started AFTER INSERT ON single_tokens
      REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_started_single_tokens();

    CREATE FUNCTION record_replaced_tokens() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
    BEGIN
      INSERT INTO revocations (status_list, status_indexes)
      SELECT o.status_list, array_agg(o.status_index)
        FROM fresh n JOIN stale o USING (client_id, api_id, subject)
       WHERE n.sequence > o.sequence AND o.status_list IS NOT NULL
       GROUP BY o.status_list;
      -- Under other settings, more tokens may have been active than the one that the row names.
      INSERT INTO revocations (client_id, api_id, subject, sequence)
      SELECT client_id, api_id, subject, n.sequence
        FROM fresh n JOIN stale o USING (client_id, api_id, subject)
       WHERE n.sequence > o.sequence
         AND (o.client_version, o.api_version) IS DISTINCT FROM (n.client_version, n.api_version);
      RETURN NULL;
    END $$;
    CREATE TRIGGER single_tokens_replaced AFTER UPDATE ON single_tokens
      REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_replaced_tokens();
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER single_tokens_replaced ON single_tokens; DROP TRIGGER single_tokens_started ON single_tokens;
    DROP TRIGGER client_secrets_retired ON client_secrets; DROP TRIGGER clients_revoked ON clients;
    DROP TRIGGER access_tokens_revoked ON access_tokens;
    DROP FUNCTION record_replaced_tokens(); DROP FUNCTION record_started_single_tokens();
    DROP FUNCTION record_retired_secret(); DROP FUNCTION record_revoked_clients(); DROP FUNCTION record_revoked_tokens();
    DROP TABLE revocation_checkpoints; DROP TABLE revocations; DROP TABLE cached_list_tokens; DROP TABLE status_lists;
    DROP FUNCTION database_timeline();
  `)
}
