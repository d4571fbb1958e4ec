/**
 * Who vouches for the address of a user (ADR 45). An admin of an account can give a user who has never signed in the address of a mailbox
 * of their own, and prove it there. So a membership that nobody has accepted also needs an address that an operator, or a program of the
 * instance, gave or confirmed.
 *
 * The column belongs to an address: with another `email_key`, which nodes of the previous version write without it, nobody vouches.
 *
 * The address of a user counts as vouched for who was created by an operator, if the log shows no change of it by anybody else. What
 * memberships counted before count after it.
 */
import type { Knex } from 'knex'

/** Whether an operator, the command line or a program of the instance did `l`. */
const BY_OPERATOR = `(
  l.actor_type = 'cli'
  OR (l.actor_type = 'system' AND l.actor_id = 'bootstrap')
  OR (l.actor_type = 'user' AND EXISTS (SELECT FROM users o WHERE o.id::text = l.actor_id AND o.role = 'operator'))
  OR (l.actor_type = 'client' AND EXISTS (
        SELECT FROM clients c WHERE c.client_id = l.actor_id AND c.account_id IS NULL)))`

/** Events that are about another address; one whose personal part is gone counts as such. */
const OF_ADDRESS = `l.action = 'user.updated' AND (l.personal IS NULL OR l.personal LIKE '%"email"%')`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users ADD COLUMN vouched_email_key text;
    COMMENT ON COLUMN users.vouched_email_key IS
      'the address that an operator or a program of the instance gave or confirmed; nobody vouches when it differs from email_key';

    UPDATE users u SET vouched_email_key = u.email_key
      FROM (SELECT l.target_id FROM audit_log l WHERE l.action = 'user.created' AND ${BY_OPERATOR}) created
     WHERE u.id::text = created.target_id
       AND NOT EXISTS (
         SELECT FROM audit_log l WHERE l.target_id = created.target_id AND ${OF_ADDRESS} AND NOT ${BY_OPERATOR});

    UPDATE memberships m SET needs_proof = false
      FROM users u
     WHERE m.needs_proof AND u.id = m.user_id AND u.proven_mailbox_key = u.email_key`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE users DROP COLUMN vouched_email_key')
}
