/**
 * What clients and APIs require beside client authentication: tokens that are bound to a key by DPoP (RFC 9449), and pushed
 * authorization requests (RFC 9126).
 *
 * Nodes of the previous version require neither: enable them when all nodes are upgraded.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN dpop text NOT NULL DEFAULT 'optional',
      ADD COLUMN par_required boolean NOT NULL DEFAULT false`)
  await knex.raw('ALTER TABLE apis ADD COLUMN dpop_required boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE apis DROP COLUMN dpop_required')
  await knex.raw('ALTER TABLE clients DROP COLUMN dpop, DROP COLUMN par_required')
}
