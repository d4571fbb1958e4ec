/**
 * Signing keys, private halves sealed with the operator's encryption key. A key's state is not stored but follows from
 * `signs_from`: unset or ahead of now, it is next; the newest that has begun is current; those before it are previous.
 * So no node can disagree with another about it. `key_ring.version` tells the nodes that something changed.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE signing_keys (
      kid            text PRIMARY KEY,
      alg            text NOT NULL,
      public_jwk     jsonb NOT NULL,
      private_jwk    bytea NOT NULL,
      created_at     timestamptz NOT NULL DEFAULT now(),
      may_sign_from  timestamptz NOT NULL,
      signs_from     timestamptz,
      CONSTRAINT signing_keys_alg CHECK (alg IN ('ES256', 'RS256', 'PS256', 'EdDSA')),
      CONSTRAINT signing_keys_published_first CHECK (signs_from >= may_sign_from)
    );
    CREATE INDEX signing_keys_by_alg ON signing_keys (alg, created_at);

    CREATE TABLE key_ring (
      one_row boolean PRIMARY KEY DEFAULT true,
      version integer NOT NULL DEFAULT 0,
      CONSTRAINT key_ring_one_row CHECK (one_row)
    );
    INSERT INTO key_ring DEFAULT VALUES;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE key_ring; DROP TABLE signing_keys;')
}
