/**
 * The indexes of tokens by client and time answer everything that these two answered. Dropping them needs the tables alone
 * for a moment, and rebuilding them on the way back blocks the recording of tokens as the migration before this one does.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX access_tokens_by_client; DROP INDEX refresh_tokens_by_client')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX refresh_tokens_by_client ON refresh_tokens (client_id);
    CREATE INDEX access_tokens_by_client ON access_tokens (client_id);
  `)
}
