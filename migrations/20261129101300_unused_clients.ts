/**
 * The list of clients that were not used for a long time, and the filter by grant type.
 *
 * `last_used_on` is set when a client is used, at most once a week, so that a client that gets tokens all the time costs one
 * update a week. It is a lower bound of the last use: the list reads candidates by it, and compares each with the exact time
 * of its secrets and callers. A client without a date was never used since this migration, and counts from its creation.
 *
 * The planner chooses the index of the grant types for rare ones; for others it reads a list in its order.
 */
import type { Knex } from 'knex'

const UNUSED_SINCE = `(coalesce(last_used_on, (created_at AT TIME ZONE 'UTC')::date))`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN last_used_on date;
    COMMENT ON COLUMN clients.last_used_on IS 'with a precision of a week, never later than the last use; null: not used yet';
    CREATE INDEX clients_unused ON clients (${UNUSED_SINCE}, id) WHERE kind <> 'api' AND status = 'active';
    CREATE INDEX clients_unused_of ON clients (account_id, ${UNUSED_SINCE}, id) WHERE kind <> 'api' AND status = 'active';
    CREATE INDEX clients_unused_by_kind ON clients (kind, ${UNUSED_SINCE}, id) WHERE kind <> 'api' AND status = 'active';
    CREATE INDEX clients_unused_of_by_kind ON clients (account_id, kind, ${UNUSED_SINCE}, id)
     WHERE kind <> 'api' AND status = 'active';
    CREATE INDEX clients_by_grants ON clients USING gin (grants) WHERE kind <> 'api';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX clients_by_grants; DROP INDEX clients_unused_of_by_kind; DROP INDEX clients_unused_by_kind;
    DROP INDEX clients_unused_of; DROP INDEX clients_unused;
    ALTER TABLE clients DROP COLUMN last_used_on;
  `)
}
