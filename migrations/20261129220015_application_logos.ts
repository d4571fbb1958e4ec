/**
 * Logos of applications. `clients` has what pages need to link to a logo; its bytes are in a table of their own, so that no statement
 * that reads a client reads them. Both change in one transaction, which has locked the client.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN is_verified boolean NOT NULL DEFAULT false,
      ADD COLUMN logo_type   text,
      ADD COLUMN logo_size   integer,
      ADD COLUMN logo_etag   text;
    COMMENT ON COLUMN clients.is_verified IS 'an operator has checked who runs it: its logo is on the sign-in page too';
    COMMENT ON COLUMN clients.logo_etag IS 'SHA-256 of the bytes in client_logos, in base64url';

    CREATE TABLE client_logos (
      client_id bigint PRIMARY KEY CONSTRAINT client_logos_client REFERENCES clients (id) ON DELETE CASCADE,
      bytes     bytea NOT NULL,
      CONSTRAINT client_logos_bytes CHECK (octet_length(bytes) <= 262144)
    );
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE client_logos;
    ALTER TABLE clients DROP COLUMN is_verified, DROP COLUMN logo_type, DROP COLUMN logo_size, DROP COLUMN logo_etag;
  `)
}
