/**
 * Behind a pooler or a load balancer a statement may reach a standby although the connection was made to the primary. A
 * standby's snapshot is older than what was answered: it would show a revoked token as active, and its list of running
 * transactions is not the primary's, so that the revocation feed would skip revocations. Statements whose answer must not
 * be old call this function; on a standby it fails with 25006 (read_only_sql_transaction), as every write does there.
 *
 * No table is changed. The way back removes the function, which the statements of this version then miss: stop its nodes
 * before.
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
    END $$`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION require_primary()')
}
