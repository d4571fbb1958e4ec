/**
 * Status lists: resource servers learn which tokens died without asking (docs/adr/0015-status-lists.md).
 *
 * A token has a place in a list of its API, and the ledger stays the truth: a place is set when its token is recorded and
 * no longer `standing`. That view is what the other two have rested on all along, all but the time.
 *
 * `revocations` tells what happened to whoever follows: places, or what ended them (a client's epoch, a secret, a slot),
 * written by triggers in the very transaction that revokes. Those who follow remember the snapshot that they have read,
 * so nothing can slip in behind them, whatever order transactions commit in; `revocation_marks` keeps some snapshots with
 * their time, for those who come without one.
 */
import type { Knex } from 'knex'

const VIEWS = `
  CREATE VIEW unrevoked_access_tokens AS
    SELECT t.*
      FROM access_tokens t
      LEFT JOIN client_secrets s ON s.id = t.secret_id
      LEFT JOIN token_slots g
        ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
     WHERE t.revoked_at IS NULL
       AND t.generation >= coalesce(g.generation, 0)
       AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));

  CREATE VIEW standing_access_tokens AS
    SELECT t.*, c.client_id AS client_identifier, c.account_id, c.user_id
      FROM unrevoked_access_tokens t
      JOIN clients c ON c.id = t.client_id
     WHERE c.status = 'active'
       AND t.epoch = c.epoch;
  COMMENT ON VIEW standing_access_tokens IS 'nothing but time has ended them';

  CREATE VIEW unended_access_tokens AS
    SELECT * FROM unrevoked_access_tokens WHERE expires_at > now();

  CREATE VIEW active_access_tokens AS
    SELECT t.jti, t.expires_at, t.issued_at, t.subject, t.scope, t.grant_id, t.secret_id,
           t.client_id AS client_key, t.client_identifier AS client_id, t.account_id, t.user_id, t.api_id,
           a.identifier AS audience
      FROM standing_access_tokens t
      JOIN apis a ON a.id = t.api_id
     WHERE t.expires_at > now();`

const TRIGGERS = `
  CREATE FUNCTION tell_tokens_ended() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (status_list, places)
    SELECT n.status_list, array_agg(n.status_index)
      FROM fresh n JOIN stale o ON o.jti = n.jti AND o.expires_at = n.expires_at
     WHERE n.revoked_at IS NOT NULL AND o.revoked_at IS NULL AND n.status_list IS NOT NULL
     GROUP BY n.status_list;
    RETURN NULL;
  END $$;
  CREATE TRIGGER access_tokens_told AFTER UPDATE ON access_tokens
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_tokens_ended();

  CREATE FUNCTION tell_epochs_ended() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (client_id, epoch)
    SELECT o.id, o.epoch
      FROM fresh n JOIN stale o ON o.id = n.id
     WHERE o.status = 'active' AND o.kind <> 'api' AND (n.epoch <> o.epoch OR n.status <> 'active');
    RETURN NULL;
  END $$;
  CREATE TRIGGER clients_told AFTER UPDATE ON clients
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_epochs_ended();

  CREATE FUNCTION tell_secret_ended() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (client_id, secret_id) VALUES (NEW.client_id, NEW.id);
    RETURN NULL;
  END $$;
  CREATE TRIGGER client_secrets_told AFTER UPDATE OF retires_at ON client_secrets FOR EACH ROW
    WHEN (NEW.retires_at IS DISTINCT FROM OLD.retires_at AND NEW.kind = 'secret')
    EXECUTE FUNCTION tell_secret_ended();

  CREATE FUNCTION tell_slots_begun() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (client_id, api_id, subject, generation)
    SELECT client_id, api_id, subject, generation FROM fresh;
    RETURN NULL;
  END $$;
  CREATE TRIGGER token_slots_begun AFTER INSERT ON token_slots
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_slots_begun();

  CREATE FUNCTION tell_slots_moved() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (status_list, places)
    SELECT o.status_list, array_agg(o.status_index)
      FROM fresh n JOIN stale o USING (client_id, api_id, subject)
     WHERE n.generation > o.generation AND o.status_list IS NOT NULL
     GROUP BY o.status_list;
    -- Under other settings, or before there were lists, it may have been more than the one token that the slot knows.
    INSERT INTO revocations (client_id, api_id, subject, generation)
    SELECT client_id, api_id, subject, n.generation
      FROM fresh n JOIN stale o USING (client_id, api_id, subject)
     WHERE n.generation > o.generation
       AND (o.client_version, o.api_version) IS DISTINCT FROM (n.client_version, n.api_version);
    RETURN NULL;
  END $$;
  CREATE TRIGGER token_slots_moved AFTER UPDATE ON token_slots
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tell_slots_moved();`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE status_lists (
      id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      public_id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT status_lists_public_id_unique UNIQUE,
      api_id    integer NOT NULL,
      seed      bytea NOT NULL,
      next      integer NOT NULL DEFAULT 0,
      opened_at timestamptz NOT NULL DEFAULT now(),
      closed_at timestamptz,
      CONSTRAINT status_lists_seed CHECK (octet_length(seed) = 32)
    ) WITH (fillfactor = 50);
    CREATE UNIQUE INDEX status_lists_one_open ON status_lists (api_id) WHERE closed_at IS NULL;
    COMMENT ON COLUMN status_lists.next IS 'how many of its places were leased; of those beyond its size there are none';

    ALTER TABLE access_tokens ADD COLUMN status_list bigint, ADD COLUMN status_index integer;
    COMMENT ON COLUMN access_tokens.status_list IS 'null: recorded before there were lists';
    CREATE INDEX access_tokens_by_status_list ON access_tokens (status_list) WHERE status_list IS NOT NULL;

    ALTER TABLE token_slots ADD COLUMN status_list bigint, ADD COLUMN status_index integer,
      ADD COLUMN client_version integer, ADD COLUMN api_version integer;
    COMMENT ON COLUMN token_slots.status_list IS 'with status_index, the place of its last token';

    CREATE TABLE revocations (
      xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
      id          bigint GENERATED ALWAYS AS IDENTITY,
      at          timestamptz NOT NULL DEFAULT clock_timestamp(),
      status_list bigint,
      places      integer[],
      client_id   bigint,
      epoch       integer,
      secret_id   bigint,
      api_id      integer,
      subject     text,
      generation  bigint,
      PRIMARY KEY (xid, id)
    ) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
    COMMENT ON TABLE revocations IS 'each row: places of a list; or an epoch, a secret or what is older in a slot, ended';

    CREATE TABLE revocation_marks (
      at       timestamptz PRIMARY KEY,
      snapshot pg_snapshot NOT NULL
    );
    COMMENT ON TABLE revocation_marks IS 'every revocation that was committed by then is visible in the snapshot';

    DROP VIEW active_access_tokens; DROP VIEW unended_access_tokens;
    ${VIEWS}
    ${TRIGGERS}
  `)
}

/** Tokens live on; resource servers that follow lists get no answer any more, and must be told to introspect first. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER token_slots_moved ON token_slots; DROP TRIGGER token_slots_begun ON token_slots;
    DROP TRIGGER client_secrets_told ON client_secrets; DROP TRIGGER clients_told ON clients;
    DROP TRIGGER access_tokens_told ON access_tokens;
    DROP FUNCTION tell_slots_moved; DROP FUNCTION tell_slots_begun; DROP FUNCTION tell_secret_ended;
    DROP FUNCTION tell_epochs_ended; DROP FUNCTION tell_tokens_ended;
    DROP VIEW active_access_tokens; DROP VIEW unended_access_tokens;
    DROP VIEW standing_access_tokens; DROP VIEW unrevoked_access_tokens;
    DROP TABLE revocation_marks; DROP TABLE revocations; DROP TABLE status_lists;
    ALTER TABLE token_slots
      DROP COLUMN api_version, DROP COLUMN client_version, DROP COLUMN status_index, DROP COLUMN status_list;
    ALTER TABLE access_tokens DROP COLUMN status_index, DROP COLUMN status_list;

    CREATE VIEW unended_access_tokens AS
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN token_slots g
          ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.expires_at > now()
         AND t.revoked_at IS NULL
         AND t.generation >= coalesce(g.generation, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())));
    CREATE VIEW active_access_tokens AS
      SELECT t.jti, t.expires_at, t.issued_at, t.subject, t.scope, t.grant_id, t.secret_id,
             t.client_id AS client_key, c.client_id, c.account_id, c.user_id, t.api_id, a.identifier AS audience
        FROM unended_access_tokens t
        JOIN clients c ON c.id = t.client_id
        JOIN apis a ON a.id = t.api_id
       WHERE c.status = 'active'
         AND t.epoch = c.epoch;
  `)
}
