/**
 * Signing keys, and the encryption key that seals stored secrets.
 *
 * The private half of a signing key is sealed with an encryption key of the operator. A key's state is not stored; it follows
 * from `signs_from`: null or in the future, the key is next; the newest one in the past is current; the ones before it are
 * previous. So no two nodes disagree about it. `key_ring.version` changes with the keys, and every node compares it.
 *
 * Which key of `ENCRYPTION_KEY` seals new values is recorded in `key_ring.sealing_key` and changes only on command: while a
 * list of keys is rolled out node by node, a node must not seal with a key that another node lacks. `server_nodes` records
 * the keys of each running process, so that a rotation can refuse while one lacks the new key. A killed process leaves its
 * row, which is as old as its `seen_at`.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE signing_keys (
      kid           text PRIMARY KEY,
      alg           text NOT NULL,
      public_jwk    jsonb NOT NULL,
      private_jwk   bytea NOT NULL,
      created_at    timestamptz NOT NULL DEFAULT now(),
      may_sign_from timestamptz NOT NULL,
      signs_from    timestamptz,
      CONSTRAINT signing_keys_alg CHECK (alg IN ('ES256', 'RS256', 'PS256', 'EdDSA')),
      CONSTRAINT signing_keys_published_first CHECK (signs_from >= may_sign_from)
    );
    COMMENT ON COLUMN signing_keys.private_jwk IS 'sealed (AES-256-GCM)';
    CREATE INDEX signing_keys_by_alg ON signing_keys (alg, created_at);

    CREATE TABLE key_ring (
      one_row     boolean PRIMARY KEY DEFAULT true,
      version     integer NOT NULL DEFAULT 0,
      sealing_key text,
      CONSTRAINT key_ring_one_row CHECK (one_row),
      CONSTRAINT key_ring_sealing_key CHECK (sealing_key ~ '^[0-9a-f]{16}$')
    );
    COMMENT ON COLUMN key_ring.sealing_key IS 'id of the encryption key that seals new values; null: nothing was sealed yet';
    INSERT INTO key_ring DEFAULT VALUES;

    CREATE TABLE server_nodes (
      id              uuid PRIMARY KEY,
      host            text NOT NULL,
      pid             integer NOT NULL,
      encryption_keys text[] NOT NULL,
      sealing_key     text,
      started_at      timestamptz NOT NULL DEFAULT now(),
      seen_at         timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN server_nodes.encryption_keys IS 'ids of the keys in its ENCRYPTION_KEY';
    COMMENT ON COLUMN server_nodes.sealing_key IS 'id of the key that it seals with at present';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE server_nodes; DROP TABLE key_ring; DROP TABLE signing_keys')
}
