/**
 * Software statements (RFC 7591, section 2.3): the issuers that an operator trusts, and which clients registered by a statement of
 * which issuer.
 *
 * An index counts what strangers registered.
 *
 * `dynamic_registrations` has the issuer as text, and keeps it after the operator has removed the issuer.
 *
 * The way back keeps these clients, whose registration then forgets the statement.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE software_statement_issuers (
      id           uuid PRIMARY KEY,
      issuer       text NOT NULL CONSTRAINT software_statement_issuers_issuer_unique UNIQUE,
      jwks         jsonb,
      jwks_uri     text,
      account_id   uuid NOT NULL CONSTRAINT software_statement_issuers_account REFERENCES accounts ON DELETE CASCADE,
      grants       text[] NOT NULL,
      apis         text[] NOT NULL,
      scopes       text[],
      created_at   timestamptz NOT NULL DEFAULT now(),
      last_used_at timestamptz,
      CONSTRAINT software_statement_issuers_keys CHECK (num_nonnulls(jwks, jwks_uri) = 1)
    );
    COMMENT ON COLUMN software_statement_issuers.jwks IS 'public keys (RFC 7517); null: they are read at jwks_uri';
    COMMENT ON COLUMN software_statement_issuers.account_id IS 'the account of the clients that register';
    COMMENT ON COLUMN software_statement_issuers.apis IS 'identifiers; empty: the default API of the instance';
    COMMENT ON COLUMN software_statement_issuers.scopes IS 'null: all scopes of the APIs';
    CREATE INDEX software_statement_issuers_by_account ON software_statement_issuers (account_id);

    ALTER TABLE dynamic_registrations ADD COLUMN software_statement text, ADD COLUMN software_statement_issuer text;
    COMMENT ON COLUMN dynamic_registrations.software_statement IS 'as the client sent it; null: it sent none';
    CREATE INDEX dynamic_registrations_by_statement_issuer ON dynamic_registrations (software_statement_issuer, client_id)
      WHERE software_statement_issuer IS NOT NULL;
    CREATE INDEX dynamic_registrations_open ON dynamic_registrations (client_id)
      WHERE source IN ('open', 'metadata_document')`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX dynamic_registrations_open;
    ALTER TABLE dynamic_registrations DROP COLUMN software_statement, DROP COLUMN software_statement_issuer;
    DROP TABLE software_statement_issuers`)
}
