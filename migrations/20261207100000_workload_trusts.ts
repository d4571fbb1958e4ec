/**
 * Trusts in issuers, by whose tokens workloads authenticate (RFC 7523), as rows of `client_secrets`: they are rotated, retired, counted and shown
 * as secrets are. The hash is that of what the trust says.
 *
 * `issuer_key_sets` holds the keys of each issuer that a node has asked, and the time of the attempt: one node asks for all. `detail` of a
 * refused request names the claim that did not match.
 *
 * Nodes of the previous version ignore rows of the new kind, so they refuse such clients, which have no secret.
 *
 * The way back deletes the trusts, and archives their clients.
 */
import type { Knex } from 'knex'

const TRIGGER = (kinds: string) => `
    DROP TRIGGER client_secrets_retired ON client_secrets;
    CREATE TRIGGER client_secrets_retired AFTER UPDATE OF retires_at ON client_secrets
      FOR EACH ROW WHEN (NEW.retires_at IS DISTINCT FROM OLD.retires_at AND NEW.kind IN (${kinds}))
      EXECUTE FUNCTION record_retired_secret();`

/** Trusts that were stored together are one set, as keys are: `key_set` is when it was stored. */
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

const METHODS = "'client_secret', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'"

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets
      ADD COLUMN trust jsonb,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key', 'key', 'certificate', 'trust')),
      ADD CONSTRAINT client_secrets_trust CHECK ((kind = 'trust') = (trust IS NOT NULL));
    ALTER TABLE clients
      DROP CONSTRAINT clients_auth_method,
      ADD CONSTRAINT clients_auth_method CHECK (auth_method IN (${METHODS}, 'workload_identity'));
    ALTER TABLE refusal_samples ADD COLUMN detail text NOT NULL DEFAULT '';
    CREATE TABLE issuer_key_sets (
      issuer       text PRIMARY KEY,
      keys         jsonb,
      read_at      timestamptz,
      attempted_at timestamptz NOT NULL,
      answered_at  timestamptz,
      failure      text
    );
    COMMENT ON TABLE issuer_key_sets IS 'public keys of issuers that clients trust, and when they were read';
    ${TRIGGER(`'secret', 'key', 'certificate', 'trust'`)}
    ${EXPIRY(`'key', 'certificate', 'trust'`)}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DELETE FROM client_secrets WHERE kind = 'trust';
    UPDATE clients SET status = 'archived' WHERE auth_method = 'workload_identity' AND status = 'active';
    UPDATE clients SET auth_method = 'private_key_jwt' WHERE auth_method = 'workload_identity';
    ALTER TABLE clients
      DROP CONSTRAINT clients_auth_method,
      ADD CONSTRAINT clients_auth_method CHECK (auth_method IN (${METHODS}));
    ALTER TABLE client_secrets
      DROP COLUMN trust,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key', 'key', 'certificate'));
    ALTER TABLE refusal_samples DROP COLUMN detail;
    DROP TABLE issuer_key_sets;
    ${TRIGGER(`'secret', 'key', 'certificate'`)}
    ${EXPIRY(`'key', 'certificate'`)}`)
}
