/**
 * Token exchange (RFC 8693) for accounts: a service exchanges its own access token for one that acts for an account, without a user.
 *
 * The row of such a token has the account as its subject and in `user_account_id`. When the account or its API is disabled, or the
 * account is deleted, a trigger revokes these tokens: so a node of the previous version, which knows no such tokens, revokes them too.
 * It uses no sequential scan: a session plans its statement once, perhaps while the table is empty.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN exchange_without_user text[];
    COMMENT ON COLUMN clients.exchange_without_user IS 'account IDs, or any; null: it obtains no tokens for accounts without a user';
    COMMENT ON COLUMN access_tokens.user_account_id IS
      'for which account the token acts; null: it acts for no user, for an operator, or for the first account of the user; the subject: it acts for the account without a user';

    CREATE FUNCTION revoke_tokens_of_account() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
    BEGIN
      UPDATE access_tokens t SET revoked_at = now()
       WHERE t.subject = NEW.id::text AND t.subject <> '' AND t.expires_at > now() AND t.revoked_at IS NULL;
      RETURN NULL;
    END $$;
    CREATE TRIGGER accounts_tokens_without_user AFTER UPDATE OF status, api_enabled ON accounts
      FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.api_enabled <> NEW.api_enabled)
      EXECUTE FUNCTION revoke_tokens_of_account()`)
}

export async function down(knex: Knex): Promise<void> {
  // Without the policy and the trigger, nothing could revoke these tokens.
  await knex.raw(`
    UPDATE access_tokens SET revoked_at = now()
     WHERE subject <> '' AND subject = user_account_id::text AND revoked_at IS NULL;
    DROP TRIGGER accounts_tokens_without_user ON accounts;
    DROP FUNCTION revoke_tokens_of_account();
    ALTER TABLE clients DROP COLUMN exchange_without_user`)
}
