/**
 * Operators sign in through a provider of the instance only if an operator has allowed it, and only with an identity that they connected
 * themselves, signed in with their own credentials (`confirmed`). Identities of former versions count as not confirmed.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE identity_providers ADD COLUMN operators boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN identity_providers.operators IS 'whether operators may sign in through it';
    ALTER TABLE user_identities ADD COLUMN confirmed boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN user_identities.confirmed IS 'its user connected it, signed in with their own credentials'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE user_identities DROP COLUMN confirmed;
    ALTER TABLE identity_providers DROP COLUMN operators`)
}
