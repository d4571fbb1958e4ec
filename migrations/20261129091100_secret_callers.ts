/**
 * Who uses each client secret and API key, so that a rotation shows the callers of the earlier one. `client_callers` has the
 * callers of a client, also of a public one, and cannot tell which secret they used.
 *
 * A row goes with its secret, or 30 days after the last use. A job limits the rows of one secret.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE secret_callers (
      secret_id     bigint NOT NULL CONSTRAINT secret_callers_secret REFERENCES client_secrets (id) ON DELETE CASCADE,
      ip            text NOT NULL,
      api_id        integer NOT NULL,
      user_agent    text NOT NULL,
      first_used_at timestamptz NOT NULL,
      last_used_at  timestamptz NOT NULL,
      PRIMARY KEY (secret_id, ip, api_id, user_agent)
    );
    COMMENT ON COLUMN secret_callers.api_id IS '0: no token was issued';
    COMMENT ON COLUMN secret_callers.user_agent IS 'empty: the request had none, or there were too many to record';
    CREATE INDEX secret_callers_by_time ON secret_callers (last_used_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE secret_callers')
}
