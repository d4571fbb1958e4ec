/**
 * What clients authenticate by in TLS (RFC 8705, section 2), as rows of `client_secrets`: they are rotated, retired, counted and shown as
 * secrets are. The hash is that of a certificate or, under `tls_client_auth`, of the name that certificates of the client have.
 *
 * Nodes of the previous version ignore rows of the new kind, so they refuse such clients, which have no secret.
 *
 * The way back deletes the certificates, and archives their clients.
 */
import type { Knex } from 'knex'

const TRIGGER = (kinds: string) => `
    DROP TRIGGER client_secrets_retired ON client_secrets;
    CREATE TRIGGER client_secrets_retired AFTER UPDATE OF retires_at ON client_secrets
      FOR EACH ROW WHEN (NEW.retires_at IS DISTINCT FROM OLD.retires_at AND NEW.kind IN (${kinds}))
      EXECUTE FUNCTION record_retired_secret();`

/** Certificates that were stored together are one set, as keys are: `key_set` is when it was stored. */
const EXPIRY = (inSets: string) => `
  CREATE OR REPLACE FUNCTION record_secret_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE clients c SET secret_expires_at = e.expiry
      FROM (SELECT (
        SELECT min(s.expires_at) FROM client_secrets s
         WHERE s.client_id = NEW.client_id AND s.retires_at > now()
           AND NOT EXISTS (SELECT FROM client_secrets n WHERE n.client_id = s.client_id AND n.kind = s.kind AND n.id > s.id
                                                          AND (n.kind NOT IN (${inSets}) OR n.key_set <> s.key_set))) AS expiry) e
     WHERE c.id = NEW.client_id AND c.secret_expires_at IS DISTINCT FROM e.expiry;
    RETURN NULL;
  END $$;`

const METHODS = "'tls_client_auth', 'self_signed_tls_client_auth'"

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets
      ADD COLUMN certificate_subject text,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key', 'key', 'certificate')),
      ADD CONSTRAINT client_secrets_certificate CHECK ((kind = 'certificate') = (certificate_subject IS NOT NULL));
    ALTER TABLE clients
      DROP CONSTRAINT clients_auth_method,
      ADD CONSTRAINT clients_auth_method CHECK (auth_method IN ('client_secret', 'private_key_jwt', ${METHODS}));
    ${TRIGGER(`'secret', 'key', 'certificate'`)}
    ${EXPIRY(`'key', 'certificate'`)}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DELETE FROM client_secrets WHERE kind = 'certificate';
    UPDATE clients SET status = 'archived' WHERE auth_method IN (${METHODS}) AND status = 'active';
    UPDATE clients SET auth_method = 'private_key_jwt' WHERE auth_method IN (${METHODS});
    ALTER TABLE clients
      DROP CONSTRAINT clients_auth_method,
      ADD CONSTRAINT clients_auth_method CHECK (auth_method IN ('client_secret', 'private_key_jwt'));
    ALTER TABLE client_secrets
      DROP COLUMN certificate_subject,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key', 'key'));
    ${TRIGGER(`'secret', 'key'`)}
    ${EXPIRY(`'key'`)}`)
}
