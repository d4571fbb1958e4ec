/**
 * Sign-outs at an identity provider (OpenID Connect Back-Channel Logout 1.0), which end the sessions here that came of it.
 *
 * A session names the identity that it began with, and the session of the provider, as columns beside its sealed payload, so that a logout
 * token finds it. A sign-in may still be under way when its session at the provider ends: `ended_upstream_sessions` and
 * `revocation_epoch` make a session invalid that begins afterwards. Rows are deleted when every session that they concern has expired.
 *
 * The way back keeps sessions whose user signed out at the provider.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE user_identities ADD COLUMN revocation_epoch int NOT NULL DEFAULT 1;
    COMMENT ON COLUMN user_identities.revocation_epoch IS 'a session that began with another number is over';

    CREATE TABLE ended_upstream_sessions (
      session_hash bytea CONSTRAINT ended_upstream_sessions_pkey PRIMARY KEY,
      ended_at     timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT ended_upstream_sessions_hash CHECK (octet_length(session_hash) = 32)
    );
    COMMENT ON COLUMN ended_upstream_sessions.session_hash IS 'SHA-256 of the provider and its session (claim sid)';

    ALTER TABLE engine_models ADD COLUMN identity_id uuid, ADD COLUMN upstream_session bytea;
    COMMENT ON COLUMN engine_models.identity_id IS 'of a session: with which identity at a provider it began';
    COMMENT ON COLUMN engine_models.upstream_session IS 'of a session: the session_hash of the session at the provider';
    CREATE INDEX engine_models_upstream_session ON engine_models (upstream_session) WHERE upstream_session IS NOT NULL`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE engine_models DROP COLUMN upstream_session, DROP COLUMN identity_id;
    DROP TABLE ended_upstream_sessions;
    ALTER TABLE user_identities DROP COLUMN revocation_epoch`)
}
