/**
 * A credential of a deleted client can be explained: *Inspect* tells that the client was deleted, to operators and to the admins of
 * its account. For that, `deleted_clients` also has the kind of the client and its account. Of clients that were deleted
 * before, the activity log has them, except those of key pairs, which were deleted with their owner.
 *
 * The columns may be absent from an INSERT: a server of the previous version does not name them.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE deleted_clients
      ADD COLUMN kind text NOT NULL DEFAULT 'application'
        CONSTRAINT deleted_clients_kind CHECK (kind IN ('key_pair', 'application', 'api')),
      ADD COLUMN account_id uuid;
    COMMENT ON COLUMN deleted_clients.account_id IS 'null: the client of an API, or not known; the account may be deleted too';
    UPDATE deleted_clients SET kind = 'api' WHERE client_id LIKE 'kwa\\_%';
    UPDATE deleted_clients d SET account_id = l.account_id
      FROM audit_log l WHERE l.target_id = d.client_id AND l.action = 'client.deleted';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE deleted_clients DROP COLUMN kind, DROP COLUMN account_id')
}
