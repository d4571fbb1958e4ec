/**
 * Consents, refresh tokens, and what oidc-provider stores.
 *
 * A consent is kept until the user withdraws it, so it outlives every refresh token that depends on it. A transaction that
 * issues for a user locks the row shared; withdrawing deletes the row, and nothing is issued from it afterwards.
 *
 * A refresh-token family has one row, however often it was rotated. A refresh token has two parts: the first identifies the
 * family and stays, the second changes with each rotation. A request that shows the family with a former second part once
 * had that token, so reuse is detected without storing the tokens that were used (RFC 9700, section 4.14.2). `response`
 * holds the last response, sealed under a key that only the redeemed token gives, for the grace period in which a client
 * retries because it lost the response.
 *
 * `engine_models` stores the sessions, codes, grants, interactions and replay entries of oidc-provider. Ids are secrets, so
 * the key is their hash. Payloads name each other's ids, so they are sealed.
 *
 * Nothing can be recorded while the database is not available. A node writes a heartbeat every few seconds, and a node that
 * finds an old heartbeat records the outage. The grace period of refresh tokens leaves outages out
 * (docs/adr/0005-refresh-tokens.md).
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE consents (
      id              uuid PRIMARY KEY,
      user_id         uuid NOT NULL CONSTRAINT consents_user REFERENCES users (id) ON DELETE CASCADE,
      client_id       bigint NOT NULL CONSTRAINT consents_client REFERENCES clients (id) ON DELETE CASCADE,
      identity_scopes text[] NOT NULL,
      claims          text[] NOT NULL,
      apis            jsonb NOT NULL,
      skipped         boolean NOT NULL DEFAULT false,
      allowed_at      timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT consents_one_per_client UNIQUE (user_id, client_id)
    );
    COMMENT ON COLUMN consents.apis IS 'lists of scopes by the identifier of their API';
    COMMENT ON COLUMN consents.skipped IS 'the user was not asked for all of it, because the client skips the consent page';
    CREATE INDEX consents_by_client ON consents (client_id);

    CREATE TABLE refresh_tokens (
      grant_id         uuid PRIMARY KEY,
      family_hash      bytea NOT NULL CONSTRAINT refresh_tokens_family_unique UNIQUE,
      current_hash     bytea NOT NULL,
      previous_hash    bytea,
      rotated_at       timestamptz,
      response         bytea,
      client_id        bigint NOT NULL CONSTRAINT refresh_tokens_client REFERENCES clients (id) ON DELETE CASCADE,
      secret_id        bigint,
      api_id           integer NOT NULL CONSTRAINT refresh_tokens_api REFERENCES apis (id),
      revocation_epoch integer NOT NULL,
      subject          text NOT NULL,
      scope            text NOT NULL,
      consent_id       uuid,
      sign_in          jsonb,
      binding          jsonb,
      created_at       timestamptz NOT NULL DEFAULT now(),
      expires_at       timestamptz NOT NULL,
      revoked_at       timestamptz,
      CONSTRAINT refresh_tokens_hashes CHECK (octet_length(family_hash) = 32 AND octet_length(current_hash) = 32)
    );
    COMMENT ON COLUMN refresh_tokens.sign_in IS 'how the user signed in, for ID tokens';
    COMMENT ON COLUMN refresh_tokens.binding IS 'the key that a public client must prove at each redemption (RFC 9449, section 5)';
    CREATE INDEX refresh_tokens_of_client ON refresh_tokens (client_id, created_at);
    CREATE INDEX refresh_tokens_of_subject ON refresh_tokens (client_id, subject) WHERE subject <> '';
    CREATE INDEX refresh_tokens_by_subject ON refresh_tokens (subject) WHERE subject <> '';
    CREATE INDEX refresh_tokens_expired ON refresh_tokens (expires_at);
    CREATE INDEX refresh_tokens_revoked ON refresh_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
    CREATE INDEX refresh_tokens_with_response ON refresh_tokens (rotated_at) WHERE response IS NOT NULL;

    CREATE VIEW active_refresh_tokens AS
      SELECT r.*, c.client_id AS client_identifier, a.identifier AS audience
        FROM refresh_tokens r
        JOIN clients c ON c.id = r.client_id
        JOIN apis a ON a.id = r.api_id
        LEFT JOIN client_secrets s ON s.id = r.secret_id
       WHERE r.expires_at > now() AND r.revoked_at IS NULL
         AND c.status = 'active' AND r.revocation_epoch = c.revocation_epoch
         AND (r.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

    CREATE TABLE engine_models (
      model                   text NOT NULL,
      id_hash                 bytea NOT NULL,
      grant_hash              bytea,
      uid_hash                bytea,
      code_hash               bytea,
      payload                 bytea,
      client_revocation_epoch integer,
      code_revocation_epoch   integer NOT NULL DEFAULT 0,
      subject_since           timestamptz,
      consumed_at             timestamptz,
      expires_at              timestamptz,
      PRIMARY KEY (model, id_hash)
    );
    COMMENT ON COLUMN engine_models.payload IS 'sealed; null where only the id matters';
    COMMENT ON COLUMN engine_models.client_revocation_epoch IS 'of a code: the revocation_epoch of its client when the code was issued';
    COMMENT ON COLUMN engine_models.code_revocation_epoch IS
      'of a code: the code_revocation_epoch of its client when the authorization request began';
    COMMENT ON COLUMN engine_models.subject_since IS 'of a code: the sessions_valid_from of its user when the code was issued';
    CREATE INDEX engine_models_by_grant ON engine_models (grant_hash) WHERE grant_hash IS NOT NULL;
    CREATE INDEX engine_models_by_uid ON engine_models (uid_hash) WHERE uid_hash IS NOT NULL;
    CREATE INDEX engine_models_by_user_code ON engine_models (code_hash) WHERE code_hash IS NOT NULL;
    CREATE INDEX engine_models_expired ON engine_models (expires_at);

    CREATE TABLE service_heartbeat (
      one_row boolean PRIMARY KEY DEFAULT true,
      at      timestamptz NOT NULL DEFAULT clock_timestamp(),
      CONSTRAINT service_heartbeat_one_row CHECK (one_row)
    ) WITH (fillfactor = 10);

    CREATE TABLE service_outages (
      began_at timestamptz NOT NULL,
      ended_at timestamptz PRIMARY KEY,
      CONSTRAINT service_outages_order CHECK (began_at < ended_at)
    );
    COMMENT ON TABLE service_outages IS 'times in which no node could write to the database';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE service_outages; DROP TABLE service_heartbeat; DROP TABLE engine_models;
    DROP VIEW active_refresh_tokens; DROP TABLE refresh_tokens; DROP TABLE consents;
  `)
}
