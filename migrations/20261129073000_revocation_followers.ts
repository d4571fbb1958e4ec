/**
 * Which resource servers learn of revocations, by their address: over the feed, from status lists, or by introspection. It is
 * for people who want to know where a revoked token still works, and nothing depends on it: it has no foreign key, so that
 * writing it locks no row of an API, and rows that nobody renewed are deleted after two days.
 *
 * Anyone may fetch a status list, so the number of addresses per API and way is limited.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE revocation_followers (
      api_id       integer NOT NULL,
      way          text NOT NULL,
      ip           text NOT NULL,
      last_seen_at timestamptz NOT NULL,
      PRIMARY KEY (api_id, way, ip),
      CONSTRAINT revocation_followers_way CHECK (way IN ('feed', 'list', 'introspection'))
    );
    CREATE INDEX revocation_followers_by_time ON revocation_followers (last_seen_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE revocation_followers')
}
