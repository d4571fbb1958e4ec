/**
 * APIs (resource servers), their clients, and the clients' secrets.
 *
 * `clients.version` is the registration version. It changes with everything that a node may cache of the client: settings,
 * secrets, APIs, the status of its account or owner. A token is recorded only if the version that authenticated the client
 * is still the present one. `clients.revocation_epoch` is raised to revoke every token of the client: a token is active only
 * while its `revocation_epoch` equals that of the client. `code_revocation_epoch` does the same for authorization codes,
 * which are sealed and have no row that could be updated.
 *
 * A key from an identity column is compared with the greatest key of its table (`increase_key`), because logical replication
 * and some restores do not carry sequences. A key that is used a second time would make tokens of the former row active again.
 *
 * Rate limits hold across nodes: one row per client with the theoretical arrival time of the generic cell rate algorithm
 * (ITU-T I.371). The table is unlogged, because its loss only allows some requests more. `client_callers` is written after
 * the requests and has no foreign keys, which would lock clients and APIs against the statement that records tokens.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE FUNCTION increase_key() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      sequence regclass := pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), 'id');
      greatest_key bigint;
    BEGIN
      EXECUTE format('SELECT max(id) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO greatest_key;
      IF NEW.id > coalesce(greatest_key, 0) THEN
        RETURN NEW;
      END IF;
      -- Only when the sequence is behind. The lock keeps two transactions from setting it to the same number.
      PERFORM pg_advisory_xact_lock(hashtext('keywright sequence ' || sequence::text));
      EXECUTE format('SELECT max(id) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO greatest_key;
      NEW.id := nextval(sequence);
      IF NEW.id <= greatest_key THEN
        PERFORM setval(sequence, greatest_key);
        NEW.id := nextval(sequence);
      END IF;
      RETURN NEW;
    END $$;

    CREATE TABLE apis (
      id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      identifier  text NOT NULL CONSTRAINT apis_identifier_unique UNIQUE,
      scopes      text[] NOT NULL,
      token_ttl   integer NOT NULL,
      policy      text NOT NULL,
      signing_alg text NOT NULL,
      token_type  text NOT NULL DEFAULT 'at+jwt',
      is_default  boolean NOT NULL DEFAULT false,
      built_in    boolean NOT NULL DEFAULT false,
      version     integer NOT NULL DEFAULT 1,
      created_at  timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT apis_token_ttl CHECK (token_ttl BETWEEN 60 AND 2592000),
      CONSTRAINT apis_policy CHECK (policy IN ('none', 'single')),
      CONSTRAINT apis_signing_alg CHECK (signing_alg IN ('ES256', 'RS256', 'PS256', 'EdDSA')),
      CONSTRAINT apis_token_type CHECK (token_type IN ('at+jwt', 'JWT')),
      CONSTRAINT apis_built_in_is_no_default CHECK (NOT (built_in AND is_default))
    );
    COMMENT ON COLUMN apis.identifier IS 'the audience of its tokens';
    COMMENT ON COLUMN apis.policy IS 'single: a new token revokes the earlier one of the same client and subject';
    COMMENT ON COLUMN apis.built_in IS 'the management API of Keywright';
    CREATE UNIQUE INDEX apis_one_default ON apis (is_default) WHERE is_default;
    CREATE TRIGGER apis_key_increases BEFORE INSERT ON apis FOR EACH ROW EXECUTE FUNCTION increase_key();

    CREATE TABLE scope_texts (
      api_id      integer NOT NULL CONSTRAINT scope_texts_api REFERENCES apis (id) ON DELETE CASCADE,
      scope       text NOT NULL,
      title       text NOT NULL,
      description text NOT NULL,
      PRIMARY KEY (api_id, scope),
      CONSTRAINT scope_texts_title CHECK (char_length(title) BETWEEN 1 AND 100),
      CONSTRAINT scope_texts_description CHECK (char_length(description) <= 500)
    );

    CREATE TABLE clients (
      id                         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      client_id                  text NOT NULL CONSTRAINT clients_client_id_unique UNIQUE,
      kind                       text NOT NULL,
      account_id                 uuid CONSTRAINT clients_account REFERENCES accounts (id),
      user_id                    uuid CONSTRAINT clients_user REFERENCES users (id),
      api_id                     integer CONSTRAINT clients_api REFERENCES apis (id),
      created_by                 uuid CONSTRAINT clients_created_by REFERENCES users (id) ON DELETE SET NULL,
      name                       text NOT NULL,
      status                     text NOT NULL DEFAULT 'active',
      version                    integer NOT NULL DEFAULT 1,
      revocation_epoch           integer NOT NULL DEFAULT 0,
      code_revocation_epoch      integer NOT NULL DEFAULT 0,
      grants                     text[] NOT NULL,
      redirect_uris              text[] NOT NULL DEFAULT '{}',
      post_logout_redirect_uris  text[] NOT NULL DEFAULT '{}',
      backchannel_logout_uri     text,
      is_public                  boolean NOT NULL DEFAULT false,
      pkce_required              boolean NOT NULL DEFAULT true,
      consent                    text NOT NULL DEFAULT 'show',
      access_type                text NOT NULL DEFAULT 'both',
      default_scopes             text[],
      access_token_ttl           integer,
      refresh_token_ttl          integer,
      refresh_token_max_age      integer,
      refresh_token_rotation     boolean NOT NULL DEFAULT true,
      refresh_tokens             text NOT NULL DEFAULT 'always',
      policy                     text,
      id_token_alg               text NOT NULL DEFAULT 'RS256',
      rate_limit_count           integer,
      rate_limit_period          integer,
      query_credentials          boolean NOT NULL DEFAULT false,
      client_credentials_refresh boolean NOT NULL DEFAULT false,
      api_key_required           boolean NOT NULL DEFAULT false,
      created_at                 timestamptz NOT NULL DEFAULT now(),
      deactivated_at             timestamptz,
      CONSTRAINT clients_kind CHECK (kind IN ('key_pair', 'application', 'api')),
      CONSTRAINT clients_owner CHECK (CASE kind
        WHEN 'key_pair' THEN account_id IS NOT NULL AND user_id IS NOT NULL AND api_id IS NULL
        WHEN 'application' THEN user_id IS NULL AND api_id IS NULL
        ELSE account_id IS NULL AND user_id IS NULL AND api_id IS NOT NULL END),
      CONSTRAINT clients_name CHECK (char_length(name) BETWEEN 1 AND 200),
      CONSTRAINT clients_status CHECK (status IN ('active', 'archived', 'replaced')),
      CONSTRAINT clients_consent CHECK (consent IN ('show', 'skip', 'skip_own_account')),
      CONSTRAINT clients_access_type CHECK (access_type IN ('user', 'client', 'both')),
      CONSTRAINT clients_access_token_ttl CHECK (access_token_ttl BETWEEN 60 AND 2592000),
      CONSTRAINT clients_refresh_token_ttl CHECK (refresh_token_ttl BETWEEN 60 AND 31622400),
      CONSTRAINT clients_refresh_token_max_age CHECK (refresh_token_max_age BETWEEN 60 AND 315360000),
      CONSTRAINT clients_refresh_tokens CHECK (refresh_tokens IN ('always', 'offline_access')),
      CONSTRAINT clients_policy CHECK (policy IN ('none', 'single')),
      CONSTRAINT clients_id_token_alg CHECK (id_token_alg IN ('RS256', 'ES256')),
      CONSTRAINT clients_public_is_protected CHECK (NOT is_public OR (pkce_required AND refresh_token_rotation)),
      CONSTRAINT clients_rate_limit CHECK (
        (rate_limit_count IS NULL) = (rate_limit_period IS NULL) AND rate_limit_count > 0 AND rate_limit_period > 0)
    );
    COMMENT ON COLUMN clients.account_id IS 'null: an application of the instance itself, or the client of an API';
    COMMENT ON COLUMN clients.user_id IS 'the admin who owns the key pair';
    COMMENT ON COLUMN clients.api_id IS 'the API that introspects with this client';
    COMMENT ON COLUMN clients.created_by IS 'the user who added the application; null: a machine client, or the command line';
    COMMENT ON COLUMN clients.code_revocation_epoch IS 'raised when the client loses a right: codes that were issued before are revoked';
    COMMENT ON COLUMN clients.default_scopes IS 'null: every scope that the client has of the API';
    COMMENT ON COLUMN clients.refresh_token_max_age IS 'seconds since the sign-in; null: no absolute end';
    COMMENT ON COLUMN clients.policy IS 'null: the policy of the API';
    CREATE UNIQUE INDEX clients_one_key_pair_per_user ON clients (user_id) WHERE kind = 'key_pair' AND status <> 'replaced';
    CREATE INDEX clients_by_user ON clients (user_id) WHERE user_id IS NOT NULL;
    CREATE INDEX clients_by_account ON clients (account_id, id);
    CREATE INDEX clients_by_creator ON clients (created_by, id) WHERE created_by IS NOT NULL;
    CREATE INDEX clients_of_apis ON clients (api_id) WHERE api_id IS NOT NULL;
    CREATE INDEX clients_deactivated ON clients (deactivated_at) WHERE deactivated_at IS NOT NULL;
    CREATE INDEX clients_applications ON clients (id) WHERE kind = 'application';
    CREATE INDEX clients_applications_of ON clients (account_id, id) WHERE kind = 'application';
    CREATE INDEX clients_applications_by_name ON clients (lower(name), id) WHERE kind = 'application';
    CREATE INDEX clients_applications_of_by_name ON clients (account_id, lower(name), id) WHERE kind = 'application';
    CREATE INDEX clients_archived ON clients (id) WHERE kind = 'application' AND status = 'archived';
    CREATE INDEX clients_by_words ON clients USING gin (search_words(name)) WHERE kind = 'application';
    CREATE TRIGGER clients_key_increases BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION increase_key();

    CREATE TABLE client_apis (
      client_id bigint NOT NULL CONSTRAINT client_apis_client REFERENCES clients (id) ON DELETE CASCADE,
      api_id    integer NOT NULL CONSTRAINT client_apis_api REFERENCES apis (id),
      position  integer NOT NULL,
      scopes    text[],
      PRIMARY KEY (client_id, api_id)
    );
    COMMENT ON COLUMN client_apis.position IS 'the lowest is the default API of the client';
    COMMENT ON COLUMN client_apis.scopes IS 'null: every scope of the API, also those added later';

    CREATE TABLE client_secrets (
      id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      client_id        bigint NOT NULL CONSTRAINT client_secrets_client REFERENCES clients (id) ON DELETE CASCADE,
      kind             text NOT NULL,
      hash             bytea NOT NULL,
      last_four        text NOT NULL,
      created_at       timestamptz NOT NULL DEFAULT now(),
      retires_at       timestamptz,
      last_used_at     timestamptz,
      last_used_ip     text,
      last_used_api_id integer,
      CONSTRAINT client_secrets_kind CHECK (kind IN ('secret', 'api_key')),
      CONSTRAINT client_secrets_hash CHECK (octet_length(hash) = 32)
    );
    COMMENT ON COLUMN client_secrets.hash IS 'SHA-256: a secret has 256 random bits, which no slow hash protects better';
    COMMENT ON COLUMN client_secrets.retires_at IS 'null: not retired; a secret that is being rotated retires in the future';
    CREATE INDEX client_secrets_by_client ON client_secrets (client_id);
    CREATE INDEX client_secrets_retiring ON client_secrets (retires_at) WHERE retires_at IS NOT NULL;
    CREATE TRIGGER client_secrets_key_increases BEFORE INSERT ON client_secrets FOR EACH ROW EXECUTE FUNCTION increase_key();

    CREATE TABLE client_callers (
      client_id    bigint NOT NULL,
      ip           text NOT NULL,
      api_id       integer NOT NULL,
      last_used_at timestamptz NOT NULL,
      PRIMARY KEY (client_id, ip, api_id)
    );
    COMMENT ON COLUMN client_callers.api_id IS '0: no token was issued';
    CREATE INDEX client_callers_by_time ON client_callers (last_used_at);

    CREATE UNLOGGED TABLE rate_limits (
      client_id  bigint PRIMARY KEY,
      arrival_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE rate_limits; DROP TABLE client_callers; DROP TABLE client_secrets; DROP TABLE client_apis;
    DROP TABLE clients; DROP TABLE scope_texts; DROP TABLE apis; DROP FUNCTION increase_key();
  `)
}
