/**
 * A database can lose recent commits: an asynchronous standby is promoted, or a backup is restored. Transaction ids, keys and
 * status indexes of the lost commits are then given out again, so what somebody remembers of them must not count.
 *
 * `database_timeline()` names the history that a database is in: the cluster and its WAL timeline, which a promotion and a
 * point-in-time recovery raise. Positions in the revocations bear it. Where the functions are not available (Amazon Aurora,
 * whose failover loses nothing), the start of the server takes the place of both; a restart then counts as another history.
 *
 * A status list is used by one run of the PostgreSQL server only. The promoted standby and the restored copy are other
 * processes, so a lease of the lost history is refused, and no new token shares an index with a token that was lost.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION database_timeline() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      RETURN (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN
      RETURN 'unknown/' || floor(extract(epoch FROM pg_postmaster_start_time()));
    END $$;
    COMMENT ON FUNCTION database_timeline() IS 'the cluster, and the WAL timeline that it writes';

    ALTER TABLE revocation_marks ADD COLUMN timeline text NOT NULL DEFAULT database_timeline();
    COMMENT ON COLUMN revocation_marks.timeline IS 'where the mark was made; of another cluster it says nothing';

    ALTER TABLE status_lists ADD COLUMN server_started_at timestamptz;
    ALTER TABLE status_lists ALTER COLUMN server_started_at SET DEFAULT pg_postmaster_start_time();
    COMMENT ON COLUMN status_lists.server_started_at IS
      'the run of the PostgreSQL server that uses the list; null: made before this column';
  `)
}

/** Servers of the version before use any open list again. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE status_lists DROP COLUMN server_started_at;
    ALTER TABLE revocation_marks DROP COLUMN timeline;
    DROP FUNCTION database_timeline;
  `)
}
