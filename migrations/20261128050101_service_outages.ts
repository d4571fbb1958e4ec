/**
 * When the service could not answer. A public client that retries a refresh after an outage must not count as a thief:
 * the grace period of a refresh token leaves out the time in which nobody could answer (docs/adr/0005-refresh-tokens.md).
 *
 * Nothing can be written while the database is away. So any node writes a heartbeat every few seconds, and whoever finds
 * an old one records the gap.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE service_heartbeat (
      one_row boolean PRIMARY KEY DEFAULT true,
      at      timestamptz NOT NULL DEFAULT clock_timestamp(),
      CONSTRAINT service_heartbeat_one_row CHECK (one_row)
    ) WITH (fillfactor = 10);

    CREATE TABLE service_outages (
      began_at timestamptz NOT NULL,
      ended_at timestamptz PRIMARY KEY,
      CONSTRAINT service_outages_order CHECK (began_at < ended_at)
    );
    COMMENT ON TABLE service_outages IS 'times in which no node could write to the database';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE service_outages; DROP TABLE service_heartbeat')
}
