/**
 * The IDs that a company has for accounts, users and clients in its own systems, and what it keeps with them. Only operators read and
 * set both, so the IDs are unique in the instance. A replaced key pair leaves its external ID to the new one, and keeps it for the log.
 */
import type { Knex } from 'knex'

const TABLES = ['accounts', 'users', 'clients'] as const

const addTo = (table: string): string => `
  ALTER TABLE ${table}
    ADD COLUMN external_id text CONSTRAINT ${table}_external_id_length CHECK (length(external_id) BETWEEN 1 AND 200),
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CONSTRAINT ${table}_metadata_object CHECK (jsonb_typeof(metadata) = 'object');
  CREATE UNIQUE INDEX ${table}_external_id_unique ON ${table} (external_id)
   WHERE external_id IS NOT NULL${table === 'clients' ? " AND status <> 'replaced'" : ''};`

export async function up(knex: Knex): Promise<void> {
  for (const table of TABLES) await knex.raw(addTo(table))
}

export async function down(knex: Knex): Promise<void> {
  for (const table of TABLES) await knex.raw(`ALTER TABLE ${table} DROP COLUMN external_id, DROP COLUMN metadata`)
}
