/**
 * Provisioning by the identity provider of an account (SCIM, RFC 7643 and 7644).
 *
 * A token reaches the users of its account. It is stored as a hash, because it carries 256 random bits. An account has at most two, so
 * that one can replace the other; expired ones are deleted when a new one is generated.
 *
 * `scim_users` has what the identity provider says of a user of the account, beside the profile of the user: a user of several accounts
 * can have another name and another external ID in each. A row goes with the membership. It is not `users.external_id`, which is the operator's. A user whom the
 * provider did not create has no row.
 *
 * The way back deletes the tokens and these names.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE scim_tokens (
      id           uuid PRIMARY KEY,
      account_id   uuid NOT NULL CONSTRAINT scim_tokens_account REFERENCES accounts ON DELETE CASCADE,
      hash         bytea NOT NULL CONSTRAINT scim_tokens_hash_unique UNIQUE,
      last_four    text NOT NULL,
      role         text NOT NULL,
      created_at   timestamptz NOT NULL DEFAULT now(),
      expires_at   timestamptz NOT NULL,
      last_used_at timestamptz,
      CONSTRAINT scim_tokens_role CHECK (role IN ('admin', 'developer', 'viewer', 'member'))
    );
    COMMENT ON COLUMN scim_tokens.role IS 'of a user whom the identity provider adds without a role';
    CREATE INDEX scim_tokens_by_account ON scim_tokens (account_id, created_at, id);

    CREATE TABLE scim_users (
      account_id    uuid NOT NULL,
      user_id       uuid NOT NULL,
      user_name     text NOT NULL,
      user_name_key text NOT NULL,
      external_id   text,
      given_name    text,
      family_name   text,
      updated_at    timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT scim_users_pkey PRIMARY KEY (user_id, account_id),
      CONSTRAINT scim_users_membership FOREIGN KEY (user_id, account_id) REFERENCES memberships ON DELETE CASCADE,
      CONSTRAINT scim_users_user_name_unique UNIQUE (account_id, user_name_key),
      CONSTRAINT scim_users_external_id_unique UNIQUE (account_id, external_id)
    );
    COMMENT ON COLUMN scim_users.user_name_key IS 'the name without regard to case, by which it is unique in the account'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE scim_users; DROP TABLE scim_tokens')
}
