/**
 * Passkeys of users (Web Authentication Level 3): credentials with which a user signs in in place of a password and a second factor.
 *
 * The authenticator keeps the private key. The public key is no secret, so it is stored as it is. `counter` decides between two
 * nodes: the statement that raises it accepts a signature once.
 *
 * A challenge goes through the page, sealed, and is stored when it has been used, so requests without a passkey store nothing.
 *
 * The passkeys of a user are few, so they are deleted with the user by the foreign key.
 *
 * The way back deletes the passkeys: users then sign in with their passwords.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE passkeys (
      id            uuid PRIMARY KEY,
      user_id       uuid NOT NULL CONSTRAINT passkeys_user REFERENCES users (id) ON DELETE CASCADE,
      name          text NOT NULL,
      credential_id bytea NOT NULL CONSTRAINT passkeys_credential UNIQUE,
      public_key    bytea NOT NULL,
      counter       bigint NOT NULL,
      synced        boolean NOT NULL,
      transports    text[] NOT NULL DEFAULT '{}',
      created_at    timestamptz NOT NULL DEFAULT now(),
      last_used_at  timestamptz,
      CONSTRAINT passkeys_name CHECK (char_length(name) BETWEEN 1 AND 60),
      CONSTRAINT passkeys_credential_length CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
      CONSTRAINT passkeys_public_key_length CHECK (octet_length(public_key) <= 4096)
    );
    COMMENT ON COLUMN passkeys.public_key IS 'COSE_Key (RFC 9052, section 7)';
    COMMENT ON COLUMN passkeys.counter IS 'the signature counter of the newest sign-in; 0: the authenticator has none';
    COMMENT ON COLUMN passkeys.synced IS 'the key may be copied to other devices of the user (backup eligible)';
    CREATE INDEX passkeys_by_user ON passkeys (user_id);

    CREATE TABLE used_passkey_challenges (
      challenge_hash bytea CONSTRAINT used_passkey_challenges_pkey PRIMARY KEY,
      expires_at     timestamptz NOT NULL,
      CONSTRAINT used_passkey_challenges_hash CHECK (octet_length(challenge_hash) = 32)
    );
    COMMENT ON COLUMN used_passkey_challenges.challenge_hash IS 'SHA-256 of the challenge, which has 256 random bits'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE used_passkey_challenges; DROP TABLE passkeys')
}
