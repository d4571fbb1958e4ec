/**
 * The instance's settings, the accounts of enterprise customers, and their users.
 *
 * Every object that belongs to a customer refers to an account; tenant isolation is decided by that column. A user is an
 * operator and belongs to no account, or is an admin or a member of exactly one.
 *
 * The instance's settings are one row, so that a transaction that issues can lock it: after the API was switched off, no
 * transaction that read the former setting issues anything.
 *
 * `revision` counts the changes of a row. The second of two concurrent edits of the same revision is refused.
 *
 * Changing a password or disabling a user sets `sessions_valid_from`, which ends every session of the user by one update.
 *
 * `sign_in_limits` holds the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371) per address, network,
 * browser or user. Its key is a hash, because the row says who signs in from where. The table is unlogged: its loss in a
 * crash only allows some attempts more.
 *
 * Lists are sorted and searched by index. Search finds the beginnings of the words between ASCII punctuation. It needs no
 * extension, because managed databases may not have one.
 */
import type { Knex } from 'knex'

// Knex takes a bare question mark for a binding, and writes `$1` in its place.
const SEARCH_WORDS = String.raw`
  CREATE FUNCTION search_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('pg_catalog.simple', translate($1, '!"#$%&''()*+,-./:;<=>\?@[\]^_{|}~', repeat(' ', 32)))`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(SEARCH_WORDS)
  await knex.raw(`
    CREATE TABLE instance_settings (
      one_row                    boolean PRIMARY KEY DEFAULT true,
      name                       text NOT NULL DEFAULT 'Keywright',
      accent                     text NOT NULL DEFAULT '#1f5fbf',
      logo                       bytea,
      logo_type                  text,
      api_enabled                boolean NOT NULL DEFAULT true,
      default_access_token_ttl   integer,
      default_refresh_token_ttl  integer,
      default_consent            text NOT NULL DEFAULT 'show',
      default_rate_limit_count   integer,
      default_rate_limit_period  integer,
      redirect_schemes           text[] NOT NULL DEFAULT '{}',
      updated_at                 timestamptz NOT NULL DEFAULT now(),
      revision                   integer NOT NULL DEFAULT 1,
      CONSTRAINT instance_settings_one_row CHECK (one_row),
      CONSTRAINT instance_settings_name CHECK (char_length(name) BETWEEN 1 AND 60),
      CONSTRAINT instance_settings_accent CHECK (accent ~ '^#[0-9a-f]{6}$'),
      CONSTRAINT instance_settings_logo CHECK ((logo IS NULL) = (logo_type IS NULL) AND octet_length(logo) <= 262144),
      CONSTRAINT instance_settings_logo_type CHECK (
        logo_type IN ('image/png', 'image/jpeg', 'image/webp', 'image/svg+xml')),
      CONSTRAINT instance_settings_default_access_token_ttl CHECK (default_access_token_ttl BETWEEN 60 AND 2592000),
      CONSTRAINT instance_settings_default_refresh_token_ttl CHECK (default_refresh_token_ttl BETWEEN 60 AND 31622400),
      CONSTRAINT instance_settings_default_consent CHECK (default_consent IN ('show', 'skip_own_account')),
      CONSTRAINT instance_settings_default_rate_limit CHECK (
        (default_rate_limit_count IS NULL) = (default_rate_limit_period IS NULL)
        AND default_rate_limit_count > 0 AND default_rate_limit_period > 0)
    );
    COMMENT ON COLUMN instance_settings.redirect_schemes IS 'URI schemes without a dot that redirect URIs may have, such as vscode';
    INSERT INTO instance_settings DEFAULT VALUES;

    CREATE TABLE accounts (
      id          uuid PRIMARY KEY,
      name        text NOT NULL,
      status      text NOT NULL DEFAULT 'active',
      api_enabled boolean NOT NULL DEFAULT true,
      created_at  timestamptz NOT NULL DEFAULT now(),
      disabled_at timestamptz,
      revision    integer NOT NULL DEFAULT 1,
      CONSTRAINT accounts_name CHECK (char_length(name) BETWEEN 1 AND 200),
      CONSTRAINT accounts_status CHECK (status IN ('active', 'disabled'))
    );
    COMMENT ON COLUMN accounts.api_enabled IS 'false: its clients are refused; its users can still sign in';
    CREATE INDEX accounts_in_order ON accounts (lower(name), id);
    CREATE INDEX accounts_by_creation ON accounts (created_at, id);
    CREATE INDEX accounts_by_words ON accounts USING gin (search_words(name));

    CREATE TABLE users (
      id                       uuid PRIMARY KEY,
      account_id               uuid CONSTRAINT users_account REFERENCES accounts (id),
      email                    text NOT NULL,
      email_key                text NOT NULL,
      email_verified           boolean NOT NULL DEFAULT false,
      name                     text,
      role                     text NOT NULL,
      status                   text NOT NULL DEFAULT 'active',
      password_hash            text,
      password_change_required boolean NOT NULL DEFAULT true,
      password_changed_at      timestamptz,
      sessions_valid_from      timestamptz NOT NULL DEFAULT now(),
      last_signed_in_at        timestamptz,
      created_at               timestamptz NOT NULL DEFAULT now(),
      updated_at               timestamptz NOT NULL DEFAULT now(),
      revision                 integer NOT NULL DEFAULT 1,
      CONSTRAINT users_email CHECK (char_length(email) BETWEEN 3 AND 254),
      CONSTRAINT users_name CHECK (char_length(name) BETWEEN 1 AND 200),
      CONSTRAINT users_role CHECK (role IN ('operator', 'admin', 'member')),
      CONSTRAINT users_account_of_role CHECK ((role = 'operator') = (account_id IS NULL)),
      CONSTRAINT users_status CHECK (status IN ('active', 'disabled'))
    );
    COMMENT ON COLUMN users.email_key IS 'two addresses with the same key are the same address: NFC, lower case, the domain in ASCII';
    COMMENT ON COLUMN users.password_hash IS 'argon2id, PHC string; null: the user cannot sign in until somebody gives them a one-time password';
    COMMENT ON COLUMN users.password_changed_at IS 'null: the first one-time password; a new hash of the same password does not count';
    COMMENT ON COLUMN users.sessions_valid_from IS 'sessions that began earlier have ended';
    COMMENT ON COLUMN users.updated_at IS 'the last change of a claim about the user';
    CREATE UNIQUE INDEX users_email_unique ON users (email_key);
    CREATE INDEX users_by_account ON users (account_id);
    CREATE INDEX users_in_order ON users (account_id, email_key, id);
    CREATE INDEX users_by_name ON users (lower(coalesce(name, email)), id);
    CREATE INDEX users_of_by_name ON users (account_id, lower(coalesce(name, email)), id);
    CREATE INDEX users_by_creation ON users (created_at, id);
    CREATE INDEX users_of_by_creation ON users (account_id, created_at, id);
    CREATE INDEX users_by_words ON users USING gin (search_words(coalesce(name, '') || ' ' || email));

    CREATE UNLOGGED TABLE sign_in_limits (
      key        bytea PRIMARY KEY,
      arrival_at timestamptz NOT NULL,
      CONSTRAINT sign_in_limits_key CHECK (octet_length(key) = 32)
    ) WITH (fillfactor = 50);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE sign_in_limits; DROP TABLE users; DROP TABLE accounts; DROP TABLE instance_settings;
    DROP FUNCTION search_words(text);
  `)
}
