/**
 * Which key of `ENCRYPTION_KEY` seals new values is recorded here and changes only with `encryption-key rotate`: while a
 * list of keys is rolled out node by node, a node that has the new key must not seal with it what the others have to open.
 * It stands beside the version of the signing keys, which every node follows.
 *
 * `server_nodes` says which keys each running server process holds, so that a rotation can refuse while one lacks the new
 * key, and can wait until all seal with it. A row is as old as its `seen_at`: a killed process removes none.
 *
 * Way back: what was sealed with this version cannot be opened by the one before, which knew another format.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE key_ring ADD COLUMN sealing_key text,
      ADD CONSTRAINT key_ring_sealing_key CHECK (sealing_key ~ '^[0-9a-f]{16}$');
    COMMENT ON COLUMN key_ring.sealing_key IS 'id of the encryption key that seals new values; null: nothing was sealed yet';

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
    COMMENT ON COLUMN server_nodes.sealing_key IS 'id of the key with which it seals at present';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE server_nodes; ALTER TABLE key_ring DROP COLUMN sealing_key')
}
