/** Whether a sign-out here goes on to the provider with which the session began (OpenID Connect RP-Initiated Logout 1.0). */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE identity_providers ADD COLUMN sign_out_at_provider boolean NOT NULL DEFAULT false')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE identity_providers DROP COLUMN sign_out_at_provider')
}
