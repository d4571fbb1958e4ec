/**
 * Token exchange (RFC 8693, docs/adr/0049-token-exchange.md): a client gets an access token in exchange for one of a user.
 *
 * `clients.exchange_from` names the clients whose tokens it may exchange; null: none. A token that was exchanged names its subject
 * token, and is active only while that is: `unrevoked_access_tokens` asks for it, so no kind of revocation can miss it, and a node of
 * the previous version does not miss it either. The function is called for exchanged tokens alone. Its cost is set to that of
 * a comparison, so that the plans of the statements that read the views stay as they are.
 *
 * `exchanged_tokens` has a row for each exchanged token and each token that it depends on: its subject token, the subject token of
 * that, and so on. The row repeats what revokes the latter, as `access_tokens` has it, with the status index of the former. So what
 * revokes a token without naming status indexes (a revocation epoch, a secret, a newer single token, a signing key) finds the exchanged
 * tokens as it finds others. For a token that is revoked by itself, the trigger publishes the status indexes of what depends on it. It
 * uses nested loops only: a session plans its statement once, perhaps while the table is empty.
 *
 * The way back revokes the exchanged tokens, which would no longer depend on anything.
 */
import type { Knex } from 'knex'

const UNREVOKED = (condition: string) => `
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN single_tokens g ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.revoked_at IS NULL
         AND t.sequence >= coalesce(g.sequence, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())))
         AND t.signing_key + 0 <> ALL (ARRAY(SELECT k.id FROM revoked_signing_keys k))
         ${condition}`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN exchange_from   text[],
      ADD COLUMN exchange_scopes text[],
      ADD COLUMN exchange_apis   text[],
      ADD COLUMN exchange_ttl    integer;
    COMMENT ON COLUMN clients.exchange_from IS 'client IDs; null: it exchanges no tokens';

    ALTER TABLE access_tokens
      ADD COLUMN IF NOT EXISTS subject_token            uuid,
      ADD COLUMN IF NOT EXISTS subject_token_expires_at timestamptz;
    COMMENT ON COLUMN access_tokens.subject_token IS 'the token that it was exchanged for; null: it was not exchanged';

    CREATE TABLE exchanged_tokens (
      jti               uuid NOT NULL,
      expires_at        timestamptz NOT NULL,
      status_list       bigint,
      status_index      integer,
      source_jti        uuid NOT NULL,
      source_expires_at timestamptz NOT NULL,
      client_id         bigint NOT NULL,
      secret_id         bigint,
      revocation_epoch  integer NOT NULL,
      api_id            integer NOT NULL,
      subject           text NOT NULL,
      sequence          bigint NOT NULL,
      signing_key       integer NOT NULL,
      PRIMARY KEY (jti, source_jti)
    );
    COMMENT ON COLUMN exchanged_tokens.source_jti IS 'a token that the exchanged token depends on; the columns after it are of that token';
    CREATE INDEX exchanged_tokens_by_source ON exchanged_tokens (source_jti);
    CREATE INDEX exchanged_tokens_by_client ON exchanged_tokens (client_id);
    CREATE INDEX exchanged_tokens_by_subject ON exchanged_tokens (subject) WHERE subject <> '';
    CREATE INDEX exchanged_tokens_by_status_list ON exchanged_tokens (status_list);

    CREATE FUNCTION is_subject_token_active(token uuid, expiry timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE COST 1 AS $$
    BEGIN
      RETURN EXISTS (SELECT 1 FROM client_access_tokens t WHERE t.jti = token AND t.expires_at = expiry);
    END $$;

    CREATE OR REPLACE VIEW unrevoked_access_tokens AS ${UNREVOKED(`
         AND (t.subject_token IS NULL OR is_subject_token_active(t.subject_token, t.subject_token_expires_at))`)};

    CREATE FUNCTION record_revoked_exchanges() RETURNS trigger LANGUAGE plpgsql
      SET enable_hashjoin TO off SET enable_mergejoin TO off SET enable_seqscan TO off AS $$
    BEGIN
      INSERT INTO revocations (status_list, status_indexes)
      SELECT x.status_list, array_agg(x.status_index)
        FROM fresh n JOIN exchanged_tokens x ON x.source_jti = n.jti
       WHERE n.revoked_at IS NOT NULL AND x.status_list IS NOT NULL
       GROUP BY x.status_list;
      RETURN NULL;
    END $$;
    CREATE TRIGGER access_tokens_revoked_with_exchanges AFTER UPDATE ON access_tokens
      REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_revoked_exchanges();
  `)
}

export async function down(knex: Knex): Promise<void> {
  // `subject_token` stays: a view depends on it.
  await knex.raw(`
    UPDATE access_tokens SET revoked_at = now() WHERE subject_token IS NOT NULL AND revoked_at IS NULL;
    DROP TRIGGER access_tokens_revoked_with_exchanges ON access_tokens; DROP FUNCTION record_revoked_exchanges();
    CREATE OR REPLACE VIEW unrevoked_access_tokens AS ${UNREVOKED('')};
    DROP FUNCTION is_subject_token_active(uuid, timestamptz);
    DROP TABLE exchanged_tokens;
    ALTER TABLE clients DROP COLUMN exchange_from, DROP COLUMN exchange_scopes, DROP COLUMN exchange_apis, DROP COLUMN exchange_ttl;
  `)
}
