/**
 * Access tokens that a client receives again: `clients.reuse_window` is the time in seconds for which the same client credentials
 * request gets the same token; null: each request gets a new one.
 *
 * `reusable_tokens` has the newest token of each such request. The JWT is encrypted under a key derived from the client secret, which
 * the database does not contain. Whether the token may be used again, the view `active_access_tokens` decides: a revoked or
 * replaced token never is.
 *
 * The way back deletes the setting: each request gets a new token.
 */
import type { Knex } from 'knex'

/** As in `shared/lifetimes.ts`. */
const LONGEST = 86_400

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN reuse_window integer,
      ADD CONSTRAINT clients_reuse_window CHECK (reuse_window BETWEEN 60 AND ${LONGEST}) NOT VALID;
    CREATE TABLE reusable_tokens (
      client_id    bigint NOT NULL REFERENCES clients ON DELETE CASCADE,
      request_hash bytea NOT NULL,
      jti          uuid NOT NULL,
      issued_at    timestamptz NOT NULL,
      expires_at   timestamptz NOT NULL,
      token        bytea NOT NULL,
      PRIMARY KEY (client_id, request_hash)
    );
    COMMENT ON COLUMN reusable_tokens.request_hash IS 'of the secret, the API, the scope and the versions of client and API';
  `)
  // Checks existing rows without blocking changes of them.
  await knex.raw('ALTER TABLE clients VALIDATE CONSTRAINT clients_reuse_window')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE reusable_tokens; ALTER TABLE clients DROP COLUMN reuse_window')
}
