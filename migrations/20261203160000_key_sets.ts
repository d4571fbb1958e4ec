/**
 * The public keys of a client that were stored together are one set: none of them replaces another one.
 *
 * `key_set` is the time at which the set was stored. Nodes of the previous version store a set in one transaction, so its default is right for
 * them. `secret_expires_at` of a client considers all keys of the newest set.
 */
import type { Knex } from 'knex'

const FUNCTION = (newer: string): string => `
  CREATE OR REPLACE FUNCTION record_secret_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE clients c SET secret_expires_at = e.expiry
      FROM (SELECT (
        SELECT min(s.expires_at) FROM client_secrets s
         WHERE s.client_id = NEW.client_id AND s.retires_at > now()
           AND NOT EXISTS (SELECT FROM client_secrets n WHERE n.client_id = s.client_id AND n.kind = s.kind AND n.id > s.id${newer})) AS expiry) e
     WHERE c.id = NEW.client_id AND c.secret_expires_at IS DISTINCT FROM e.expiry;
    RETURN NULL;
  END $$;`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets ADD COLUMN key_set timestamptz NOT NULL DEFAULT now();
    COMMENT ON COLUMN client_secrets.key_set IS 'of a public key: when its set was stored; keys of one set do not replace each other';
    UPDATE client_secrets SET key_set = created_at WHERE kind = 'key';
    ${FUNCTION(` AND (n.kind <> 'key' OR n.key_set <> s.key_set)`)}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`${FUNCTION('')} ALTER TABLE client_secrets DROP COLUMN key_set`)
}
