/**
 * Consents by account: a user of several accounts allows an application for each of them.
 *
 * Nodes of the previous version know one consent of a user to an application. They find it by `user_id`, and rely on the unique
 * constraint of `user_id` and `client_id`. So a consent for another account than the first has no `user_id`, and such a node
 * neither issues from it, which would be for the wrong account, nor changes it, unless the rights of the application are narrowed.
 * `given_by` is the user of every consent, and a trigger sets it for what these nodes write. When the first account of a user
 * changes, another trigger changes which of the consents these nodes see.
 *
 * Authorization codes, device codes and refresh tokens name their consent, and thereby their account. Access tokens have a column.
 *
 * The way back deletes the consents for other accounts than the first; what was issued from them is invalid then.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE consents
      ALTER COLUMN user_id DROP NOT NULL,
      ADD COLUMN given_by uuid CONSTRAINT consents_given_by REFERENCES users (id) ON DELETE CASCADE,
      ADD COLUMN account_id uuid CONSTRAINT consents_account REFERENCES accounts (id) ON DELETE CASCADE;
    COMMENT ON COLUMN consents.user_id IS 'who gave it, for nodes of the previous version; null: it is for another account than the first';
    COMMENT ON COLUMN consents.given_by IS 'who gave it';
    COMMENT ON COLUMN consents.account_id IS 'for which account it was given; null: by an operator, for the instance';

    CREATE FUNCTION complete_consent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.given_by := NEW.user_id;
      NEW.account_id := (SELECT u.account_id FROM users u WHERE u.id = NEW.user_id);
      RETURN NEW;
    END $$;
    CREATE TRIGGER consents_complete BEFORE INSERT ON consents
      FOR EACH ROW WHEN (NEW.given_by IS NULL) EXECUTE FUNCTION complete_consent();

    UPDATE consents s SET given_by = u.id, account_id = u.account_id FROM users u WHERE u.id = s.user_id;
    ALTER TABLE consents ALTER COLUMN given_by SET NOT NULL;
    CREATE UNIQUE INDEX consents_one_per_other_account ON consents (given_by, client_id, account_id) WHERE user_id IS NULL;
    CREATE INDEX consents_of_user ON consents (given_by, client_id);
    CREATE INDEX consents_by_account ON consents (account_id) WHERE account_id IS NOT NULL;

    CREATE FUNCTION show_consents_of_first_account() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE consents SET user_id = NULL
       WHERE given_by = NEW.id AND user_id IS NOT NULL AND account_id IS DISTINCT FROM NEW.account_id;
      UPDATE consents SET user_id = NEW.id
       WHERE given_by = NEW.id AND user_id IS NULL AND account_id IS NOT DISTINCT FROM NEW.account_id;
      RETURN NULL;
    END $$;
    CREATE TRIGGER users_first_account AFTER UPDATE OF account_id ON users
      FOR EACH ROW WHEN (OLD.account_id IS DISTINCT FROM NEW.account_id) EXECUTE FUNCTION show_consents_of_first_account()`)
  // A column without a default does not rewrite the table.
  await knex.raw(`
    ALTER TABLE access_tokens ADD COLUMN IF NOT EXISTS user_account_id uuid;
    COMMENT ON COLUMN access_tokens.user_account_id IS
      'for which account the token acts; null: it acts for no user, for an operator, or for the first account of the user';

    CREATE OR REPLACE VIEW unrevoked_access_tokens AS
      SELECT t.*
        FROM access_tokens t
        LEFT JOIN client_secrets s ON s.id = t.secret_id
        LEFT JOIN single_tokens g ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
       WHERE t.revoked_at IS NULL
         AND t.sequence >= coalesce(g.sequence, 0)
         AND (t.secret_id IS NULL OR (s.id IS NOT NULL AND (s.retires_at IS NULL OR s.retires_at > now())))
         AND t.signing_key + 0 <> ALL (ARRAY(SELECT k.id FROM revoked_signing_keys k));

    CREATE OR REPLACE VIEW client_access_tokens AS
      SELECT t.jti, t.expires_at, t.issued_at, t.revoked_at, t.client_id, t.secret_id, t.sequence, t.api_id, t.revocation_epoch,
             t.subject, t.scope, t.grant_id, t.status_list, t.status_index, c.client_id AS client_identifier, c.account_id,
             c.user_id, t.user_account_id
        FROM unrevoked_access_tokens t
        JOIN clients c ON c.id = t.client_id
       WHERE c.status = 'active' AND t.revocation_epoch = c.revocation_epoch`)
}

export async function down(knex: Knex): Promise<void> {
  // `access_tokens.user_account_id` stays: views depend on it.
  await knex.raw(`
    UPDATE access_tokens t SET revoked_at = now() FROM users u
     WHERE t.subject = u.id::text AND t.subject <> '' AND t.user_account_id <> u.account_id AND t.revoked_at IS NULL;
    DROP TRIGGER users_first_account ON users;
    DROP FUNCTION show_consents_of_first_account();
    DELETE FROM consents WHERE user_id IS NULL;
    DROP TRIGGER consents_complete ON consents;
    DROP FUNCTION complete_consent();
    ALTER TABLE consents DROP COLUMN account_id, DROP COLUMN given_by, ALTER COLUMN user_id SET NOT NULL`)
}
