/**
 * The events that have no place in the audit chain yet, in the order in which they were recorded: under the locks of their changes,
 * and thereby in the order of the changes of one object. The previous index had the order in which their transactions began.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX audit_log_unsealed_as_recorded ON audit_log ((coalesce(recorded_at, at)), id) WHERE seq IS NULL;
    DROP INDEX audit_log_unsealed`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX audit_log_unsealed ON audit_log (at, id) WHERE seq IS NULL;
    DROP INDEX audit_log_unsealed_as_recorded`)
}
