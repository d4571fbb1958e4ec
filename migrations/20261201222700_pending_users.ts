/**
 * Users who were added with an address that belongs to a user of another account. The one who adds them must not learn that, so such a
 * pending user is a row like any other until the person joins with their own user (ADR 45).
 *
 * The key of a pending user's address is followed by ` PENDING ` and the ID of the user. No address has such a key, because keys are in
 * lower case, so no look-up by an address finds the row. A node of the previous version that gives the user another address writes a
 * key without it, and so makes an ordinary user. An account has each address once, also that of a pending user.
 *
 * The hash of the one-time password finds the pending user whose password was entered: a look-up by address finds somebody else. It is
 * fast, because a one-time password has 256 random bits; `password_hash` still decides.
 *
 * The way back leaves pending users as users whom nobody finds by their address.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users
      ADD COLUMN one_time_password_hash bytea CONSTRAINT users_one_time_password_hash CHECK (octet_length(one_time_password_hash) = 32),
      ADD COLUMN invited_by uuid,
      ADD COLUMN proven_email_key text;
    COMMENT ON COLUMN users.one_time_password_hash IS 'SHA-256 of the latest one-time password, also after it was replaced';
    COMMENT ON COLUMN users.invited_by IS 'the user who added this one; null: a program, the command line, or unknown';
    COMMENT ON COLUMN users.proven_email_key IS 'the address whose owner set how the user signs in; proves nothing when it differs from email_key';
    CREATE UNIQUE INDEX users_account_address_unique ON users (account_id, split_part(email_key, ' ', 1)) WHERE account_id IS NOT NULL;
    CREATE INDEX users_by_address ON users (split_part(email_key, ' ', 1), id)`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX users_account_address_unique, users_by_address;
    ALTER TABLE users DROP COLUMN one_time_password_hash, DROP COLUMN invited_by, DROP COLUMN proven_email_key`)
}
