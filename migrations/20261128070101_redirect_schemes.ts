/**
 * URI schemes without a dot that redirect URIs may have, such as `cursor` and `vscode`. RFC 8252 asks for a dot, and these
 * applications have none; so an operator names each for the instance.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`ALTER TABLE instance_settings ADD COLUMN redirect_schemes text[] NOT NULL DEFAULT '{}'`)
}

/** Redirect URIs that were registered with such a scheme stay. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE instance_settings DROP COLUMN redirect_schemes')
}
