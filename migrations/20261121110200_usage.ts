/**
 * What was used, for those who look after it: how many tokens were issued and refused in each hour, from where and for
 * which API a secret was last used, and who has called with a client's credentials of late.
 *
 * All of it is written behind the requests. No foreign keys: they would lock clients and APIs against those who issue.
 * `usage_writers` says which of a process' additions have arrived, so that one whose answer was lost is not added twice.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE usage_hours (
      hour  timestamptz NOT NULL,
      kind  text NOT NULL,
      label text NOT NULL,
      count bigint NOT NULL,
      PRIMARY KEY (hour, kind, label),
      CONSTRAINT usage_hours_kind CHECK (kind IN ('issued', 'refused'))
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN usage_hours.label IS 'issued: the grant type; refused: the OAuth error code';

    CREATE TABLE usage_writers (
      id         uuid PRIMARY KEY,
      turn       bigint NOT NULL,
      written_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE INDEX usage_writers_by_time ON usage_writers (written_at);

    ALTER TABLE client_secrets ADD COLUMN last_used_api_id integer;

    CREATE TABLE client_callers (
      client_id    bigint NOT NULL,
      ip           text NOT NULL,
      api_id       integer NOT NULL,
      last_used_at timestamptz NOT NULL,
      PRIMARY KEY (client_id, ip, api_id)
    );
    COMMENT ON COLUMN client_callers.api_id IS '0: no token was issued';
    CREATE INDEX client_callers_by_time ON client_callers (last_used_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE client_callers; ALTER TABLE client_secrets DROP COLUMN last_used_api_id;
    DROP TABLE usage_writers; DROP TABLE usage_hours;
  `)
}
