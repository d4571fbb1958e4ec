/**
 * Public keys by which clients authenticate in place of a client secret (RFC 7523, section 2.2), as rows of `client_secrets`: they are
 * rotated, retired, counted and shown as secrets are. Their hash is the thumbprint of the key (RFC 7638).
 *
 * Nodes of the previous version ignore rows of the new kind, so they refuse such clients, which have no secret.
 *
 * The way back deletes the keys, and archives their clients.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets
      ADD COLUMN public_key jsonb,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key', 'key')),
      ADD CONSTRAINT client_secrets_public_key CHECK ((kind = 'key') = (public_key IS NOT NULL));
    ALTER TABLE clients
      ADD COLUMN auth_method text NOT NULL DEFAULT 'client_secret'
        CONSTRAINT clients_auth_method CHECK (auth_method IN ('client_secret', 'private_key_jwt'))`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DELETE FROM client_secrets WHERE kind = 'key';
    UPDATE clients SET status = 'archived' WHERE auth_method <> 'client_secret' AND status = 'active';
    ALTER TABLE clients DROP COLUMN auth_method;
    ALTER TABLE client_secrets
      DROP COLUMN public_key,
      DROP CONSTRAINT client_secrets_kind,
      ADD CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key'))`)
}
