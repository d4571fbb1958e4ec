/**
 * Dynamic client registration (RFC 7591, RFC 7592).
 *
 * An initial access token belongs to an account, as the clients that it registers do. It is stored as a hash, because it carries 256
 * random bits. `uses` counts the registrations: the row decides which of several concurrent ones is the last that it allows.
 *
 * `dynamic_registrations` has what a client that registered itself has beside others: the hash of its registration access token, and
 * when it was registered. `expires_at` is when a job looks whether the client was used; null: never again.
 *
 * The way back deletes the tokens. The clients stay, and can no longer manage themselves.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE initial_access_tokens (
      id           uuid PRIMARY KEY,
      account_id   uuid NOT NULL CONSTRAINT initial_access_tokens_account REFERENCES accounts ON DELETE CASCADE,
      hash         bytea NOT NULL CONSTRAINT initial_access_tokens_hash_unique UNIQUE,
      last_four    text NOT NULL,
      grants       text[] NOT NULL,
      apis         text[] NOT NULL,
      scopes       text[],
      max_uses     integer NOT NULL,
      uses         integer NOT NULL DEFAULT 0,
      created_at   timestamptz NOT NULL DEFAULT now(),
      expires_at   timestamptz NOT NULL,
      last_used_at timestamptz,
      CONSTRAINT initial_access_tokens_uses CHECK (uses >= 0 AND uses <= max_uses)
    );
    COMMENT ON COLUMN initial_access_tokens.apis IS 'identifiers; empty: the default API of the instance';
    COMMENT ON COLUMN initial_access_tokens.scopes IS 'null: all scopes of the APIs';
    CREATE INDEX initial_access_tokens_by_account ON initial_access_tokens (account_id, created_at, id);

    CREATE TABLE dynamic_registrations (
      client_id        bigint CONSTRAINT dynamic_registrations_pkey PRIMARY KEY
                       CONSTRAINT dynamic_registrations_client REFERENCES clients ON DELETE CASCADE,
      source           text NOT NULL,
      token_hash       bytea NOT NULL CONSTRAINT dynamic_registrations_token_hash_unique UNIQUE,
      auth_method      text NOT NULL,
      software_id      text,
      software_version text,
      created_at       timestamptz NOT NULL DEFAULT now(),
      expires_at       timestamptz,
      CONSTRAINT dynamic_registrations_source CHECK (source IN ('initial_access_token', 'software_statement', 'open'))
    );
    COMMENT ON COLUMN dynamic_registrations.auth_method IS 'token_endpoint_auth_method, as it was registered';
    CREATE INDEX dynamic_registrations_by_expiry ON dynamic_registrations (expires_at) WHERE expires_at IS NOT NULL;

    ALTER TABLE instance_settings ADD COLUMN dynamic_registration text NOT NULL DEFAULT 'off'
      CONSTRAINT instance_settings_dynamic_registration CHECK (dynamic_registration IN ('off', 'initial_access_token'))`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings DROP COLUMN dynamic_registration;
    DROP TABLE dynamic_registrations; DROP TABLE initial_access_tokens`)
}
