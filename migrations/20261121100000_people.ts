/**
 * What is told of a person (their name, whether the address is proved), and from when on their sessions count: a password
 * that is changed, or a person who is switched off, ends every session by one row's update, wherever it is kept.
 *
 * Guessing is slowed per address, network and browser by the theoretical arrival time of the generic cell rate algorithm
 * (ITU-T I.371), as `rate_limits` are. The key is a hash, because the row says who tries to sign in from where. Lost in a
 * crash it only forgives, so the table is unlogged.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users
      ADD COLUMN name                text,
      ADD COLUMN email_verified      boolean NOT NULL DEFAULT false,
      ADD COLUMN sessions_valid_from timestamptz NOT NULL DEFAULT now(),
      ADD COLUMN password_changed_at timestamptz,
      ADD COLUMN updated_at          timestamptz NOT NULL DEFAULT now(),
      ADD CONSTRAINT users_name CHECK (char_length(name) BETWEEN 1 AND 200);
    COMMENT ON COLUMN users.sessions_valid_from IS 'a session that began earlier has ended';
    COMMENT ON COLUMN users.password_changed_at IS 'null: the one-time password of the start; a mere re-hash moves nothing';
    COMMENT ON COLUMN users.updated_at IS 'when what applications are told of the person last changed';

    CREATE UNLOGGED TABLE sign_in_limits (
      key        bytea PRIMARY KEY,
      arrival_at timestamptz NOT NULL,
      CONSTRAINT sign_in_limits_key CHECK (octet_length(key) = 32)
    ) WITH (fillfactor = 50);
  `)
}

/** Names and proofs of addresses are lost; sessions that had ended may count again under the former code. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE sign_in_limits;
    ALTER TABLE users
      DROP CONSTRAINT users_name,
      DROP COLUMN updated_at,
      DROP COLUMN password_changed_at,
      DROP COLUMN sessions_valid_from,
      DROP COLUMN email_verified,
      DROP COLUMN name;
  `)
}
