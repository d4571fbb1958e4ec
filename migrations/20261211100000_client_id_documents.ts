/**
 * Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): what was fetched, by the URL that is the client ID. A row is
 * no client: it says what a client says of itself, and which node may fetch it. Until the operator permits it, nothing is fetched.
 *
 * A client with such an ID can be deleted and come back, so the client IDs of deleted clients are no longer unique. The way back keeps the latest.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE client_id_documents (
      client_id       text PRIMARY KEY,
      settings        jsonb,
      fresh_until     timestamptz,
      fetch_number    integer NOT NULL DEFAULT 1,
      claimed_at      timestamptz NOT NULL,
      finished_number integer NOT NULL DEFAULT 0,
      failure         text
    );
    CREATE INDEX client_id_documents_claimed_at ON client_id_documents (claimed_at);
    COMMENT ON TABLE client_id_documents IS 'client ID metadata documents as they were fetched, and when';
    ALTER TABLE instance_settings
      ADD COLUMN client_id_documents text NOT NULL DEFAULT 'off'
        CONSTRAINT instance_settings_client_id_documents CHECK (client_id_documents IN ('off', 'allowed_hosts', 'open')),
      ADD COLUMN client_id_document_hosts text[] NOT NULL DEFAULT '{}';
    ALTER TABLE dynamic_registrations
      DROP CONSTRAINT dynamic_registrations_source,
      ADD CONSTRAINT dynamic_registrations_source
        CHECK (source IN ('initial_access_token', 'software_statement', 'open', 'metadata_document')),
      ADD COLUMN consent_since timestamptz;
    COMMENT ON COLUMN dynamic_registrations.consent_since IS 'consents that are older do not count: the client has other redirect URIs since';
    CREATE INDEX deleted_clients_client_id ON deleted_clients (client_id);
    ALTER TABLE deleted_clients DROP CONSTRAINT deleted_clients_client_id_unique`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DELETE FROM deleted_clients d USING deleted_clients later WHERE later.client_id = d.client_id AND later.id > d.id;
    ALTER TABLE deleted_clients ADD CONSTRAINT deleted_clients_client_id_unique UNIQUE (client_id);
    DROP INDEX deleted_clients_client_id;
    UPDATE dynamic_registrations SET source = 'open' WHERE source = 'metadata_document';
    ALTER TABLE dynamic_registrations
      DROP CONSTRAINT dynamic_registrations_source,
      ADD CONSTRAINT dynamic_registrations_source CHECK (source IN ('initial_access_token', 'software_statement', 'open')),
      DROP COLUMN consent_since;
    ALTER TABLE instance_settings DROP COLUMN client_id_documents, DROP COLUMN client_id_document_hosts;
    DROP TABLE client_id_documents`)
}
