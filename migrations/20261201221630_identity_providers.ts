/**
 * OpenID providers through which users sign in (docs/adr/0046-upstream-sign-in.md): of the instance (`account_id` null) or of one
 * account. A provider keeps its issuer for good, so that a row of `user_identities` is the identity of an issuer and a subject.
 *
 * A session remembers the identity that it began with, and `revocation_epoch` of its provider: it is valid while the identity exists and
 * the number is unchanged. Disabling a provider increases the number.
 *
 * Of several accounts that name an e-mail domain, at most one has it verified.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE identity_providers (
      id                    uuid PRIMARY KEY,
      account_id            uuid CONSTRAINT identity_providers_account REFERENCES accounts ON DELETE CASCADE,
      name                  text NOT NULL,
      issuer                text NOT NULL,
      client_id             text NOT NULL,
      sealed_client_secret  bytea NOT NULL,
      client_auth           text NOT NULL DEFAULT 'client_secret_basic',
      scopes                text[] NOT NULL,
      status                text NOT NULL DEFAULT 'enabled',
      creates_users         boolean NOT NULL DEFAULT false,
      account_claim         text,
      role_claim            text,
      role_values           text[] NOT NULL DEFAULT '{}',
      new_user_role         text NOT NULL DEFAULT 'member',
      trusts_second_factor  boolean NOT NULL DEFAULT false,
      trusted_acr           text[] NOT NULL DEFAULT '{}',
      revocation_epoch         int NOT NULL DEFAULT 1,
      created_at            timestamptz NOT NULL DEFAULT now(),
      revision              int NOT NULL DEFAULT 1,
      CONSTRAINT identity_providers_status CHECK (status IN ('enabled', 'disabled')),
      CONSTRAINT identity_providers_client_auth CHECK (client_auth IN ('client_secret_basic', 'client_secret_post')),
      CONSTRAINT identity_providers_new_user_role CHECK (new_user_role IN ('member', 'viewer', 'developer', 'admin'))
    );
    COMMENT ON COLUMN identity_providers.account_id IS 'null: of the instance';
    COMMENT ON COLUMN identity_providers.role_values IS 'value=role, for values of role_claim';
    CREATE INDEX identity_providers_of_account ON identity_providers (account_id, created_at, id);
    CREATE INDEX identity_providers_by_time ON identity_providers (created_at, id);

    CREATE TABLE identity_provider_domains (
      provider_id uuid NOT NULL CONSTRAINT identity_provider_domains_provider REFERENCES identity_providers ON DELETE CASCADE,
      domain      text NOT NULL,
      verified_at timestamptz,
      created_at  timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (provider_id, domain)
    );
    COMMENT ON COLUMN identity_provider_domains.verified_at IS 'null: it routes nobody to the provider';
    CREATE UNIQUE INDEX identity_provider_domains_verified ON identity_provider_domains (domain) WHERE verified_at IS NOT NULL;

    CREATE TABLE user_identities (
      id           uuid PRIMARY KEY,
      provider_id  uuid NOT NULL CONSTRAINT user_identities_provider REFERENCES identity_providers ON DELETE CASCADE,
      subject      text NOT NULL,
      user_id      uuid NOT NULL CONSTRAINT user_identities_user REFERENCES users ON DELETE CASCADE,
      created_at   timestamptz NOT NULL DEFAULT now(),
      last_used_at timestamptz,
      CONSTRAINT user_identities_once UNIQUE (provider_id, subject)
    );
    CREATE INDEX user_identities_of_user ON user_identities (user_id, provider_id)`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE user_identities; DROP TABLE identity_provider_domains; DROP TABLE identity_providers')
}
