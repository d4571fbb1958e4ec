/**
 * The key pairs of a membership: a user who belongs to several accounts has one key pair of each name in each of them.
 *
 * Nodes of the previous version lock the user before they generate a key pair, so they need no unique index. The way back fails
 * while a user has key pairs of one name in two accounts.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE UNIQUE INDEX clients_one_key_pair_per_membership ON clients (user_id, account_id, lower(coalesce(pair_name, '')))
      WHERE kind = 'key_pair' AND status <> 'replaced';
    DROP INDEX clients_one_key_pair_per_name`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE UNIQUE INDEX clients_one_key_pair_per_name ON clients (user_id, lower(coalesce(pair_name, '')))
      WHERE kind = 'key_pair' AND status <> 'replaced';
    DROP INDEX clients_one_key_pair_per_membership`)
}
