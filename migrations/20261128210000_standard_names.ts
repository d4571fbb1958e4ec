import type { Knex } from 'knex'

// Names of the glossary in place of our own. Nothing is published yet: the baseline replaces all of these files.
const RENAMES = `
  ALTER TABLE clients RENAME COLUMN epoch TO revocation_epoch;
  ALTER TABLE clients RENAME COLUMN code_epoch TO code_revocation_epoch;
  ALTER TABLE clients RENAME COLUMN ended_at TO deactivated_at;
  ALTER INDEX clients_ended RENAME TO clients_deactivated;
  ALTER TABLE access_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER TABLE access_tokens RENAME COLUMN generation TO sequence;
  ALTER TABLE token_slots RENAME TO single_tokens;
  ALTER TABLE single_tokens RENAME CONSTRAINT token_slots_pkey TO single_tokens_pkey;
  ALTER TABLE single_tokens RENAME COLUMN generation TO sequence;
  ALTER TABLE refresh_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER TABLE refresh_tokens RENAME COLUMN turn_hash TO current_hash;
  ALTER TABLE refresh_tokens RENAME COLUMN turned_at TO rotated_at;
  ALTER TABLE refresh_tokens RENAME COLUMN answer TO response;
  ALTER INDEX refresh_tokens_answered RENAME TO refresh_tokens_with_response;
  ALTER INDEX refresh_tokens_of_person RENAME TO refresh_tokens_of_subject;
  ALTER TABLE revocations RENAME COLUMN epoch TO revocation_epoch;
  ALTER TABLE revocations RENAME COLUMN generation TO sequence;
  ALTER TABLE revocations RENAME COLUMN places TO status_indexes;
  ALTER TABLE revocation_marks RENAME TO revocation_checkpoints;
  ALTER TABLE revocation_checkpoints RENAME CONSTRAINT revocation_marks_pkey TO revocation_checkpoints_pkey;
  ALTER TABLE status_list_copies RENAME TO cached_list_tokens;
  ALTER TABLE cached_list_tokens RENAME CONSTRAINT status_list_copies_pkey TO cached_list_tokens_pkey;
  ALTER TABLE cached_list_tokens RENAME CONSTRAINT status_list_copies_list TO cached_list_tokens_list;
  ALTER TABLE status_lists RENAME COLUMN seed TO order_key;
  ALTER TABLE status_lists RENAME CONSTRAINT status_lists_seed TO status_lists_order_key;
  ALTER TABLE engine_models RENAME COLUMN client_epoch TO client_revocation_epoch;
  ALTER TABLE engine_models RENAME COLUMN code_epoch TO code_revocation_epoch;
  ALTER TABLE engine_models RENAME COLUMN person_since TO subject_since;
  ALTER TABLE usage_writers RENAME COLUMN turn TO batch;
  ALTER TABLE idempotency_keys RENAME COLUMN answer TO response;
  ALTER VIEW unrevoked_access_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER VIEW unrevoked_access_tokens RENAME COLUMN generation TO sequence;
  ALTER VIEW standing_access_tokens RENAME TO client_access_tokens;
  ALTER VIEW client_access_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER VIEW client_access_tokens RENAME COLUMN generation TO sequence;
  ALTER VIEW unended_access_tokens RENAME TO unexpired_access_tokens;
  ALTER VIEW unexpired_access_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER VIEW unexpired_access_tokens RENAME COLUMN generation TO sequence;
  ALTER VIEW active_refresh_tokens RENAME COLUMN epoch TO revocation_epoch;
  ALTER VIEW active_refresh_tokens RENAME COLUMN turn_hash TO current_hash;
  ALTER VIEW active_refresh_tokens RENAME COLUMN turned_at TO rotated_at;
  ALTER VIEW active_refresh_tokens RENAME COLUMN answer TO response;
  ALTER FUNCTION api_versions_now RENAME TO current_api_versions;
  ALTER FUNCTION key_rises RENAME TO increase_key;
  ALTER FUNCTION generation_rises RENAME TO increase_sequence;
  ALTER FUNCTION tell_epochs_ended RENAME TO record_revoked_clients;
  ALTER FUNCTION tell_secret_ended RENAME TO record_retired_secret;
  ALTER FUNCTION tell_slots_begun RENAME TO record_started_single_tokens;
  ALTER FUNCTION tell_slots_moved RENAME TO record_replaced_tokens;
  ALTER FUNCTION tell_tokens_ended RENAME TO record_revoked_tokens;
  ALTER TRIGGER access_tokens_told ON access_tokens RENAME TO access_tokens_revoked;
  ALTER TRIGGER apis_key_rises ON apis RENAME TO apis_key_increases;
  ALTER TRIGGER client_secrets_key_rises ON client_secrets RENAME TO client_secrets_key_increases;
  ALTER TRIGGER client_secrets_told ON client_secrets RENAME TO client_secrets_retired;
  ALTER TRIGGER clients_key_rises ON clients RENAME TO clients_key_increases;
  ALTER TRIGGER clients_told ON clients RENAME TO clients_revoked;
  ALTER TRIGGER status_lists_key_rises ON status_lists RENAME TO status_lists_key_increases;
  ALTER TRIGGER token_slots_begun ON single_tokens RENAME TO single_tokens_started;
  ALTER TRIGGER token_slots_generation_rises ON single_tokens RENAME TO single_tokens_sequence_increases;
  ALTER TRIGGER token_slots_moved ON single_tokens RENAME TO single_tokens_replaced;
  CREATE OR REPLACE FUNCTION increase_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.sequence := OLD.sequence + 1;
      RETURN NEW;
    END $$;
  CREATE OR REPLACE FUNCTION record_revoked_clients() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
  BEGIN
    INSERT INTO revocations (client_id, revocation_epoch)
    SELECT o.id, o.revocation_epoch
      FROM fresh n JOIN stale o ON o.id = n.id
     WHERE o.status = 'active' AND o.kind <> 'api' AND (n.revocation_epoch <> o.revocation_epoch OR n.status <> 'active');
    RETURN NULL;
  END $$;
  CREATE OR REPLACE FUNCTION record_started_single_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO revocations (client_id, api_id, subject, sequence)
    SELECT client_id, api_id, subject, sequence FROM fresh;
    RETURN NULL;
  END $$;
  CREATE OR REPLACE FUNCTION record_replaced_tokens() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
  BEGIN
    INSERT INTO revocations (status_list, status_indexes)
    SELECT o.status_list, array_agg(o.status_index)
      FROM fresh n JOIN stale o USING (client_id, api_id, subject)
     WHERE n.sequence > o.sequence AND o.status_list IS NOT NULL
     GROUP BY o.status_list;
    -- Under other settings, more tokens may have been active than the one that the row names.
    INSERT INTO revocations (client_id, api_id, subject, sequence)
    SELECT client_id, api_id, subject, n.sequence
      FROM fresh n JOIN stale o USING (client_id, api_id, subject)
     WHERE n.sequence > o.sequence
       AND (o.client_version, o.api_version) IS DISTINCT FROM (n.client_version, n.api_version);
    RETURN NULL;
  END $$;
  CREATE OR REPLACE FUNCTION record_revoked_tokens() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO off AS $$
  BEGIN
    INSERT INTO revocations (status_list, status_indexes)
    SELECT n.status_list, array_agg(n.status_index)
      FROM fresh n JOIN stale o ON o.jti = n.jti AND o.expires_at = n.expires_at
     WHERE n.revoked_at IS NOT NULL AND o.revoked_at IS NULL AND n.status_list IS NOT NULL
     GROUP BY n.status_list;
    RETURN NULL;
  END $$;
  ALTER TABLE clients DROP CONSTRAINT clients_access_type;
  UPDATE clients SET access_type = CASE access_type WHEN 'person' THEN 'user' WHEN 'itself' THEN 'client' ELSE 'both' END;
  ALTER TABLE clients ADD CONSTRAINT clients_access_type CHECK (access_type IN ('user', 'client', 'both'));
  COMMENT ON COLUMN clients.code_revocation_epoch IS 'raised when a right is taken away: codes that were issued before are revoked';
  COMMENT ON COLUMN engine_models.client_revocation_epoch IS 'of a code: the revocation_epoch of its client when the code was issued';
  COMMENT ON COLUMN engine_models.subject_since IS 'of a code: the sessions_valid_from of its user when the code was issued';
  COMMENT ON COLUMN engine_models.code_revocation_epoch IS 'of a code: the code_revocation_epoch of its client when the authorization request began';
  COMMENT ON COLUMN refresh_tokens.sign_in IS 'how the user signed in, for ID tokens';
  COMMENT ON COLUMN status_lists.next IS 'the first status index that no node has leased';
  DROP SEQUENCE IF EXISTS token_generations;
  UPDATE audit_log SET action = 'client.legacy_option_used' WHERE action = 'client.concession_used';`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(RENAMES)
}

export async function down(): Promise<void> {
  throw new Error('the baseline has no way back')
}
