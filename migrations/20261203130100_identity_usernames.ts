/** What providers call their users, for the lists of identities: an address or a user name, as of the last sign-in. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE user_identities ADD COLUMN username text;
    COMMENT ON COLUMN user_identities.username IS 'null: the provider has named none that can be shown'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE user_identities DROP COLUMN username')
}
