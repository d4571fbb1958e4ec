/**
 * Whether access tokens of a client are bound to the certificate of its TLS connection (RFC 8705, section 3).
 *
 * Nodes of the previous version issue tokens without the binding: enable it when all nodes are upgraded.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients ADD COLUMN certificate_bound_access_tokens boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE clients DROP COLUMN certificate_bound_access_tokens')
}
