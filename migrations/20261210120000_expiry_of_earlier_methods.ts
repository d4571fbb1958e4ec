/**
 * Where the authentication method changes, secrets of different kinds replace each other; API keys are apart. The expiry of a client is
 * not that of an earlier method within its overlap.
 *
 * The way back also counts secrets of an earlier method.
 */
import type { Knex } from 'knex'

const EXPIRY = (replaces: string) => `
  CREATE OR REPLACE FUNCTION record_secret_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE clients c SET secret_expires_at = e.expiry
      FROM (SELECT (
        SELECT min(s.expires_at) FROM client_secrets s
         WHERE s.client_id = NEW.client_id AND s.retires_at > now()
           AND NOT EXISTS (SELECT FROM client_secrets n WHERE n.client_id = s.client_id AND n.id > s.id AND ${replaces})) AS expiry) e
     WHERE c.id = NEW.client_id AND c.secret_expires_at IS DISTINCT FROM e.expiry;
    RETURN NULL;
  END $$;`

const IN_OTHER_SET = `n.kind NOT IN ('key', 'certificate', 'trust') OR n.key_set <> s.key_set`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(EXPIRY(`(n.kind = 'api_key') = (s.kind = 'api_key') AND (n.kind <> s.kind OR ${IN_OTHER_SET})`))
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(EXPIRY(`n.kind = s.kind AND (${IN_OTHER_SET})`))
}
