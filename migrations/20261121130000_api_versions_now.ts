/**
 * The settings of an API as they are at this moment. Whoever records tokens reads everything else as it was when the
 * statement began, which may be before it waited for its turn; a volatile function looks again.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION api_versions_now(keys integer[]) RETURNS TABLE (api integer, version integer)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      RETURN QUERY SELECT a.id, a.version FROM apis a WHERE a.id = ANY (keys);
    END $$
  `)
}

/** Servers of this version record nothing any more. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION api_versions_now')
}
