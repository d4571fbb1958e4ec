/**
 * The networks from which a client, or any client of an account, may get tokens; null: any network. An API can ask for them as a
 * claim of its access tokens.
 *
 * The way back deletes the restrictions: every network is allowed again.
 */
import type { Knex } from 'knex'

/** As in `shared/networks.ts`. */
const MAX_NETWORKS = 50

export async function up(knex: Knex): Promise<void> {
  for (const table of ['clients', 'accounts']) {
    await knex.raw(`
      ALTER TABLE ${table}
        ADD COLUMN allowed_networks text[],
        ADD CONSTRAINT ${table}_allowed_networks CHECK (cardinality(allowed_networks) BETWEEN 1 AND ${MAX_NETWORKS}) NOT VALID`)
    // Checks existing rows without blocking changes of them.
    await knex.raw(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_allowed_networks`)
  }
  await knex.raw('ALTER TABLE apis ADD COLUMN networks_claim boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE apis DROP COLUMN networks_claim')
  for (const table of ['accounts', 'clients']) await knex.raw(`ALTER TABLE ${table} DROP COLUMN allowed_networks`)
}
