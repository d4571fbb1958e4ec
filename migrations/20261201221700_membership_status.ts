/**
 * The status of a membership: a disabled one keeps its user out of that account alone. `valid_from` changes whenever it is disabled, so
 * that sessions which are fixed to the account do not become valid again.
 *
 * Nodes of the previous version read `users.status` only. They go on admitting a user whose membership is disabled, and know one
 * account of each user, so users get a second account only after the upgrade.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE memberships
      ADD COLUMN status text NOT NULL DEFAULT 'active'
        CONSTRAINT memberships_status CHECK (status IN ('active', 'disabled')),
      ADD COLUMN valid_from timestamptz NOT NULL DEFAULT now()`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE memberships DROP COLUMN status, DROP COLUMN valid_from')
}
