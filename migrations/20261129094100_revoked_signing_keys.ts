/**
 * Signing keys can be revoked: every token that the key signed is inactive at once (docs/adr/0007-signing-keys.md).
 *
 * A token records its signing key as a small number, which fills the padding at the end of its row. A token of an earlier
 * version of the server has the number 0: its key is not known. A revoked key moves from `signing_keys` to
 * `revoked_signing_keys`, so that a server of an earlier version stops using it too, and stays there until every token that
 * it signed has expired. Its public half stays, so that *Inspect* can still tell which tokens it signed. The row with the
 * id 0 revokes the tokens whose key is not known, also those that a server of an earlier version issues later: end an
 * upgrade before you revoke a key.
 *
 * The view reads the revoked keys once for each statement. A join with them would cost each introspection more. Without the
 * `+ 0`, the planner would know that the column has few values, and conclude that the condition excludes nearly every token.
 */
import type { Knex } from 'knex'

const UNREVOKED = (condition: string) => `
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN single_tokens g ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.revoked_at IS NULL
         AND t.sequence >= coalesce(g.sequence, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())))
         ${condition}`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE signing_keys ADD COLUMN id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT signing_keys_id_unique UNIQUE;

    CREATE TABLE revoked_signing_keys (
      id         integer PRIMARY KEY,
      kid        text CONSTRAINT revoked_signing_keys_kid_unique UNIQUE,
      alg        text,
      public_jwk jsonb,
      created_at timestamptz,
      signs_from timestamptz,
      revoked_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON COLUMN revoked_signing_keys.id IS 'as in signing_keys; 0: the tokens whose key is not known';

    ALTER TABLE access_tokens ADD COLUMN IF NOT EXISTS signing_key integer NOT NULL DEFAULT 0;
    COMMENT ON COLUMN access_tokens.signing_key IS 'id of the signing key; 0: an earlier version of the server recorded the token';

    CREATE OR REPLACE VIEW unrevoked_access_tokens AS ${UNREVOKED(`
         AND t.signing_key + 0 <> ALL (ARRAY(SELECT k.id FROM revoked_signing_keys k))`)};

    ALTER TABLE revocations ADD COLUMN signing_key integer;
    CREATE FUNCTION record_revoked_signing_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO revocations (signing_key) VALUES (NEW.id);
      RETURN NULL;
    END $$;
    CREATE TRIGGER signing_keys_revoked AFTER INSERT OR UPDATE ON revoked_signing_keys
      FOR EACH ROW EXECUTE FUNCTION record_revoked_signing_key();

    ALTER TABLE server_nodes ADD COLUMN key_ring_version integer;
    COMMENT ON COLUMN server_nodes.key_ring_version IS 'the version of key_ring that the process uses; null: not known';
  `)
}

export async function down(knex: Knex): Promise<void> {
  // `access_tokens.signing_key` stays: views depend on it.
  await knex.raw(`
    ALTER TABLE server_nodes DROP COLUMN key_ring_version;
    CREATE OR REPLACE VIEW unrevoked_access_tokens AS ${UNREVOKED('')};
    DROP TABLE revoked_signing_keys;
    DROP FUNCTION record_revoked_signing_key();
    ALTER TABLE revocations DROP COLUMN signing_key;
    ALTER TABLE signing_keys DROP COLUMN id;
  `)
}
