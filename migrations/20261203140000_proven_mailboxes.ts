/**
 * Whether the owner of a user's mailbox has set up, or accepted, everything by which the user signs in (ADR 45). Before that, an admin
 * who gave the user a one-time password may have redeemed it.
 *
 * The column belongs to an address: with another `email_key` it proves nothing. It replaces `proven_email_key`, which nodes of the
 * previous version write without ending what is older; the next version drops that column. A trigger ends the proof with every one-time
 * password, also on nodes of the previous version.
 *
 * A user counts as proven who chose their password by a link to the mailbox, with nothing older left, and whom nobody has changed since.
 * The log shows this, unless it was erased. Everybody else works as before, and proves the mailbox before they join another account.
 *
 * `memberships.needs_proof`: an operator added the membership while the mailbox was not proven, and the user has credentials. Until it
 * is proven, the user acts there only in a session of somebody who answers for the account.
 *
 * The way back forgets proofs.
 */
import type { Knex } from 'knex'

/** The latest time at which each user chose a password by a link, if nobody has changed the user since. */
const CHOSEN_BY_LINK = `
  SELECT l.target_id, max(l.at) AS at
    FROM audit_log l
   WHERE l.action = 'user.password_changed' AND l.detail->>'link' IN ('invitation', 'password_reset')
     AND NOT EXISTS (
       SELECT FROM audit_log o
        WHERE o.target_id = l.target_id AND o.at >= l.at
          AND o.action IN ('user.updated', 'user.password_reset', 'user.password_withdrawn'))
   GROUP BY l.target_id`

const noneBefore = (table: string, owner: string, since: string): string =>
  `NOT EXISTS (SELECT FROM ${table} o WHERE ${owner} AND o.${since} < chosen.at)`

const REFRESH_TOKENS_OF_USER = `o.subject = u.id::text AND o.subject <> '' AND o.revoked_at IS NULL`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users ADD COLUMN proven_mailbox_key text;
    COMMENT ON COLUMN users.proven_mailbox_key IS
      'the address whose owner has set up or accepted what signs the user in; proves nothing when it differs from email_key';
    COMMENT ON COLUMN users.proven_email_key IS 'only for servers of the previous version';
    ALTER TABLE memberships ADD COLUMN needs_proof boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN memberships.needs_proof IS 'the user acts here with credentials of their own only after they have proven the mailbox';

    UPDATE users u SET proven_mailbox_key = u.email_key
      FROM (${CHOSEN_BY_LINK}) chosen
     WHERE u.id::text = chosen.target_id AND u.email_verified AND NOT u.password_change_required AND u.password_hash IS NOT NULL
       AND ${noneBefore('passkeys', 'o.user_id = u.id', 'created_at')}
       AND ${noneBefore('totp_factors', 'o.user_id = u.id', 'created_at')}
       AND ${noneBefore('user_identities', 'o.user_id = u.id', 'created_at')}
       AND ${noneBefore('consents', 'o.given_by = u.id', 'allowed_at')}
       AND ${noneBefore('refresh_tokens', REFRESH_TOKENS_OF_USER, 'created_at')};

    CREATE FUNCTION end_proof_of_mailbox() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.proven_mailbox_key := NULL;
        RETURN NEW;
      END $$;
    CREATE TRIGGER users_one_time_password BEFORE UPDATE OF password_changed_at ON users FOR EACH ROW
      WHEN (NEW.password_change_required AND NEW.password_changed_at IS DISTINCT FROM OLD.password_changed_at)
      EXECUTE FUNCTION end_proof_of_mailbox()`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER users_one_time_password ON users;
    DROP FUNCTION end_proof_of_mailbox();
    ALTER TABLE users DROP COLUMN proven_mailbox_key;
    ALTER TABLE memberships DROP COLUMN needs_proof`)
}
