/**
 * APIs (resource servers), the clients that may call them, and the clients' secrets.
 *
 * Two counters on a client carry the product's promise. `version` changes with anything a node may have cached of the
 * client (settings, secrets, APIs, the standing of its account or owner): a token is recorded only against the version
 * that authenticated it. `epoch` changes when everything issued so far must die: a token lives while its epoch is the
 * client's.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE apis (
      id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      identifier  text NOT NULL CONSTRAINT apis_identifier_unique UNIQUE,
      scopes      text[] NOT NULL,
      token_ttl   integer NOT NULL,
      policy      text NOT NULL,
      signing_alg text NOT NULL,
      is_default  boolean NOT NULL DEFAULT false,
      version     integer NOT NULL DEFAULT 1,
      created_at  timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT apis_policy CHECK (policy IN ('none', 'single')),
      CONSTRAINT apis_signing_alg CHECK (signing_alg IN ('ES256', 'RS256', 'PS256', 'EdDSA')),
      CONSTRAINT apis_token_ttl CHECK (token_ttl BETWEEN 60 AND 2592000)
    );
    CREATE UNIQUE INDEX apis_one_default ON apis (is_default) WHERE is_default;

    CREATE TABLE clients (
      id                         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      client_id                  text NOT NULL CONSTRAINT clients_client_id_unique UNIQUE,
      kind                       text NOT NULL,
      account_id                 uuid CONSTRAINT clients_account REFERENCES accounts (id),
      user_id                    uuid CONSTRAINT clients_user REFERENCES users (id),
      api_id                     integer CONSTRAINT clients_api REFERENCES apis (id),
      name                       text NOT NULL,
      status                     text NOT NULL DEFAULT 'active',
      version                    integer NOT NULL DEFAULT 1,
      epoch                      integer NOT NULL DEFAULT 0,
      grants                     text[] NOT NULL,
      redirect_uris              text[] NOT NULL DEFAULT '{}',
      is_public                  boolean NOT NULL DEFAULT false,
      consent                    text NOT NULL DEFAULT 'show',
      access_token_ttl           integer,
      refresh_token_ttl          integer,
      policy                     text,
      rate_limit_count           integer,
      rate_limit_period          integer,
      query_credentials          boolean NOT NULL DEFAULT false,
      client_credentials_refresh boolean NOT NULL DEFAULT false,
      api_key_required           boolean NOT NULL DEFAULT false,
      created_at                 timestamptz NOT NULL DEFAULT now(),
      ended_at                   timestamptz,
      CONSTRAINT clients_kind CHECK (kind IN ('key_pair', 'application', 'api')),
      CONSTRAINT clients_status CHECK (status IN ('active', 'archived', 'replaced')),
      CONSTRAINT clients_consent CHECK (consent IN ('show', 'skip')),
      CONSTRAINT clients_policy CHECK (policy IN ('none', 'single')),
      CONSTRAINT clients_name CHECK (char_length(name) BETWEEN 1 AND 200),
      CONSTRAINT clients_owner CHECK (
        CASE kind WHEN 'key_pair' THEN account_id IS NOT NULL AND user_id IS NOT NULL AND api_id IS NULL
                  WHEN 'application' THEN account_id IS NOT NULL AND user_id IS NULL AND api_id IS NULL
                  ELSE account_id IS NULL AND user_id IS NULL AND api_id IS NOT NULL END),
      CONSTRAINT clients_access_token_ttl CHECK (access_token_ttl BETWEEN 60 AND 2592000),
      CONSTRAINT clients_refresh_token_ttl CHECK (refresh_token_ttl BETWEEN 60 AND 31622400),
      CONSTRAINT clients_rate_limit CHECK (
        (rate_limit_count IS NULL) = (rate_limit_period IS NULL) AND rate_limit_count > 0 AND rate_limit_period > 0)
    );
    CREATE UNIQUE INDEX clients_one_key_pair_per_user ON clients (user_id)
      WHERE kind = 'key_pair' AND status <> 'replaced';
    CREATE INDEX clients_by_account ON clients (account_id, id);
    CREATE INDEX clients_ended ON clients (ended_at) WHERE ended_at IS NOT NULL;

    CREATE TABLE client_apis (
      client_id bigint NOT NULL CONSTRAINT client_apis_client REFERENCES clients (id) ON DELETE CASCADE,
      api_id    integer NOT NULL CONSTRAINT client_apis_api REFERENCES apis (id),
      position  integer NOT NULL,
      scopes    text[],
      PRIMARY KEY (client_id, api_id)
    );
    COMMENT ON COLUMN client_apis.scopes IS 'null: every scope of the API, also those it gains later';
    COMMENT ON COLUMN client_apis.position IS 'the lowest is the default API of the client';

    CREATE TABLE client_secrets (
      id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      client_id    bigint NOT NULL CONSTRAINT client_secrets_client REFERENCES clients (id) ON DELETE CASCADE,
      kind         text NOT NULL,
      hash         bytea NOT NULL,
      last_four    text NOT NULL,
      created_at   timestamptz NOT NULL DEFAULT now(),
      retires_at   timestamptz,
      last_used_at timestamptz,
      last_used_ip text,
      CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key')),
      CONSTRAINT client_secrets_hash CHECK (octet_length(hash) = 32)
    );
    CREATE INDEX client_secrets_by_client ON client_secrets (client_id);
    CREATE INDEX client_secrets_retiring ON client_secrets (retires_at) WHERE retires_at IS NOT NULL;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE client_secrets; DROP TABLE client_apis; DROP TABLE clients; DROP TABLE apis;')
}
