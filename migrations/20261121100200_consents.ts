/**
 * What a person has allowed an application, remembered for as long as they do not withdraw it, so that it never ends
 * before a refresh token that rests on it. Deleting the row is the withdrawal: whoever redeems something in its name holds
 * the row, and finds it gone afterwards.
 *
 * A refresh token of a person names the consent it rests on and, for the ID tokens of its redemptions, how they signed in.
 *
 * A code says of which epoch of its client and of which standing of its person it is, so that it dies with them like any
 * token, and stays dead when they are restored.
 *
 * The engine's payloads hold ids of one another (an interaction that of its session, a device code that of its user), so
 * they are kept sealed under the instance's encryption key: in clear they would be secrets at rest.
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
      allowed_at      timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT consents_one_per_client UNIQUE (user_id, client_id)
    );
    COMMENT ON COLUMN consents.apis IS 'lists of scopes by the identifier of their API';
    CREATE INDEX consents_by_client ON consents (client_id);

    ALTER TABLE refresh_tokens ADD consent_id uuid, ADD sign_in jsonb, ADD binding jsonb;
    COMMENT ON COLUMN refresh_tokens.sign_in IS 'how the person signed in, for ID tokens';
    COMMENT ON COLUMN refresh_tokens.binding IS 'the key that a public client must prove at each redemption (RFC 9449, section 5)';
    CREATE INDEX refresh_tokens_of_person ON refresh_tokens (client_id, subject) WHERE subject <> '';

    DROP VIEW active_refresh_tokens;
    CREATE VIEW active_refresh_tokens AS
      SELECT r.*, c.client_id AS client_identifier, a.identifier AS audience
        FROM refresh_tokens r
        JOIN clients c ON c.id = r.client_id
        JOIN apis a ON a.id = r.api_id
        LEFT JOIN client_secrets s ON s.id = r.secret_id
       WHERE r.expires_at > now()
         AND r.revoked_at IS NULL
         AND c.status = 'active'
         AND r.epoch = c.epoch
         AND (r.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

    DELETE FROM engine_models WHERE model <> 'ReplayDetection';
    ALTER TABLE engine_models DROP payload;
    ALTER TABLE engine_models ADD payload bytea, ADD client_epoch integer, ADD person_since timestamptz;
    COMMENT ON COLUMN engine_models.payload IS 'sealed; null where only the id matters';
    COMMENT ON COLUMN engine_models.client_epoch IS 'of a code: its client''s when it was made; another one now, and it is dead';
    COMMENT ON COLUMN engine_models.person_since IS 'of a code: its person''s sessions_valid_from when it was made, likewise';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DELETE FROM engine_models;
    ALTER TABLE engine_models DROP payload, DROP client_epoch, DROP person_since;
    ALTER TABLE engine_models ADD payload jsonb NOT NULL;

    DROP VIEW active_refresh_tokens;
    DROP INDEX refresh_tokens_of_person;
    ALTER TABLE refresh_tokens DROP consent_id, DROP sign_in, DROP binding;
    CREATE VIEW active_refresh_tokens AS
      SELECT r.*, c.client_id AS client_identifier, a.identifier AS audience
        FROM refresh_tokens r
        JOIN clients c ON c.id = r.client_id
        JOIN apis a ON a.id = r.api_id
        LEFT JOIN client_secrets s ON s.id = r.secret_id
       WHERE r.expires_at > now()
         AND r.revoked_at IS NULL
         AND c.status = 'active'
         AND r.epoch = c.epoch
         AND (r.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

    DROP TABLE consents;
  `)
}
