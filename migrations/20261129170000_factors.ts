/**
 * Second factors of users: authenticator apps (TOTP, RFC 6238) and recovery codes, and who must have one.
 *
 * A code of an authenticator app is valid for a minute and a half. `last_used_step` makes it valid once: the statement that
 * raises it decides between two nodes. The secret must be readable to compute a code, so it is sealed, not hashed.
 *
 * The factors of a user are few, so they are deleted with the user by the foreign key.
 *
 * The way back deletes the factors: users then sign in with their password alone.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE totp_factors (
      id             uuid PRIMARY KEY,
      user_id        uuid NOT NULL CONSTRAINT totp_factors_user REFERENCES users (id) ON DELETE CASCADE,
      name           text NOT NULL,
      secret         bytea NOT NULL,
      last_used_step bigint NOT NULL,
      created_at     timestamptz NOT NULL DEFAULT now(),
      last_used_at   timestamptz,
      CONSTRAINT totp_factors_name CHECK (char_length(name) BETWEEN 1 AND 60)
    );
    COMMENT ON COLUMN totp_factors.secret IS 'sealed';
    COMMENT ON COLUMN totp_factors.last_used_step IS 'the 30-second step of the newest code that was accepted; earlier steps are refused';
    CREATE INDEX totp_factors_by_user ON totp_factors (user_id);

    CREATE TABLE recovery_codes (
      user_id    uuid NOT NULL CONSTRAINT recovery_codes_user REFERENCES users (id) ON DELETE CASCADE,
      code_hash  bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      used_at    timestamptz,
      CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
      CONSTRAINT recovery_codes_hash CHECK (octet_length(code_hash) = 32)
    );
    COMMENT ON COLUMN recovery_codes.code_hash IS 'SHA-256 of the user and the code, which has 80 random bits'`)
  await knex.raw(`
    ALTER TABLE accounts
      ADD COLUMN second_factor_required text NOT NULL DEFAULT 'nobody',
      ADD CONSTRAINT accounts_second_factor_required CHECK (second_factor_required IN ('nobody', 'admins', 'everyone')) NOT VALID`)
  // Checks existing rows without blocking changes of them.
  await knex.raw('ALTER TABLE accounts VALIDATE CONSTRAINT accounts_second_factor_required')
  await knex.raw(`
    ALTER TABLE instance_settings
      ADD COLUMN second_factor_required text NOT NULL DEFAULT 'nobody',
      ADD CONSTRAINT instance_settings_second_factor_required
        CHECK (second_factor_required IN ('nobody', 'operators', 'admins', 'everyone'))`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings DROP COLUMN second_factor_required;
    ALTER TABLE accounts DROP COLUMN second_factor_required;
    DROP TABLE recovery_codes; DROP TABLE totp_factors`)
}
