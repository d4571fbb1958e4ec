/**
 * Sign-in at the operator's product: its address, and whom the sign-in here remains for.
 *
 * A challenge goes through the browser, sealed, and is stored when the product has answered it: one row decides between two nodes that
 * it is answered once, and that the answer is used once. Sign-ins that strangers begin store nothing.
 *
 * The way back makes every user sign in here; users who never had a password need one.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings
      ADD COLUMN sign_in_url text,
      ADD COLUMN sign_in_url_mfa boolean NOT NULL DEFAULT false,
      ADD COLUMN password_sign_in text NOT NULL DEFAULT 'everyone',
      ADD CONSTRAINT instance_settings_password_sign_in CHECK (password_sign_in IN ('everyone', 'operators'));
    COMMENT ON COLUMN instance_settings.sign_in_url IS 'where users sign in at the product of the operator; null: users sign in here';
    COMMENT ON COLUMN instance_settings.sign_in_url_mfa IS 'whether the product is believed that it proved a second factor';
    COMMENT ON COLUMN instance_settings.password_sign_in IS 'who may sign in here while there is a sign_in_url';

    CREATE TABLE answered_sign_in_challenges (
      challenge_hash bytea CONSTRAINT answered_sign_in_challenges_pkey PRIMARY KEY,
      expires_at     timestamptz NOT NULL,
      completed_at   timestamptz,
      CONSTRAINT answered_sign_in_challenges_hash CHECK (octet_length(challenge_hash) = 32)
    );
    COMMENT ON COLUMN answered_sign_in_challenges.challenge_hash IS 'SHA-256 of the ID of the challenge, which has 256 random bits';
    COMMENT ON COLUMN answered_sign_in_challenges.completed_at IS 'when the browser came back with the answer'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE answered_sign_in_challenges;
    ALTER TABLE instance_settings DROP COLUMN password_sign_in, DROP COLUMN sign_in_url_mfa, DROP COLUMN sign_in_url`)
}
