/**
 * Clients that publish their public keys at a URL (`jwks_uri`, RFC 7591, section 2). The keys found there are rows of `client_secrets` in one key
 * set; `client_key_sets` holds what is known of the last fetch. Its row is what nodes claim before they fetch.
 *
 * Nodes of the previous version authenticate such clients by the keys that are stored, and fetch none.
 *
 * The way back keeps the fetched keys as keys of the clients.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN jwks_uri text;
    CREATE TABLE client_key_sets (
      client_id       bigint PRIMARY KEY CONSTRAINT client_key_sets_client REFERENCES clients (id) ON DELETE CASCADE,
      uri             text NOT NULL,
      key_set         timestamptz NOT NULL DEFAULT clock_timestamp(),
      fetch_number    integer NOT NULL DEFAULT 0,
      finished_number integer NOT NULL DEFAULT 0,
      claimed_at      timestamptz,
      next_fetch_at   timestamptz NOT NULL DEFAULT now(),
      fetched_at      timestamptz,
      failed_at       timestamptz,
      failure         text,
      failures        integer NOT NULL DEFAULT 0,
      listed          jsonb NOT NULL DEFAULT '{}',
      ended           jsonb NOT NULL DEFAULT '[]'
    );
    COMMENT ON TABLE client_key_sets IS 'the jwks_uri of a client, and the last fetch of its keys';
    COMMENT ON COLUMN client_key_sets.key_set IS 'the set of the rows of client_secrets that hold its keys';
    COMMENT ON COLUMN client_key_sets.fetch_number IS 'increases with each claim; only the latest claim may save what it fetched';
    COMMENT ON COLUMN client_key_sets.fetched_at IS 'when the last successful fetch began';
    COMMENT ON COLUMN client_key_sets.failed_at IS 'when the last fetch failed; null after a success';
    COMMENT ON COLUMN client_key_sets.listed IS 'the keys of the last successful fetch by their thumbprints';
    COMMENT ON COLUMN client_key_sets.ended IS 'thumbprints of keys that were retired here while they were listed; they do not come back';
    CREATE INDEX client_key_sets_due ON client_key_sets (next_fetch_at)`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE client_key_sets; ALTER TABLE clients DROP COLUMN jwks_uri')
}
