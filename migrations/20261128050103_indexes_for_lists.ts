/**
 * Lists of a client's tokens are read newest first. With the time in the index of the client, PostgreSQL reads one page of
 * them without sorting all of them. Access tokens that a client got in the same second are sorted by their id on reading.
 *
 * Key pairs are looked up by their user when a key pair is generated and when a user is disabled.
 *
 * This blocks: until the migration ends, no token can be recorded or revoked, and no client changed. Introspection goes on.
 * Building the indexes takes about two seconds for each million of tokens. CREATE INDEX CONCURRENTLY would not block, but it
 * cannot run in the transaction of a migration. Where that is too long, an operator builds each index by hand before, with
 * CONCURRENTLY and for access_tokens partition by partition, under the names below; this migration keeps what it finds.
 * The indexes that these replace are dropped by the next migration, so that this one blocks no reading.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX IF NOT EXISTS access_tokens_of_client ON access_tokens (client_id, issued_at);
    CREATE INDEX IF NOT EXISTS refresh_tokens_of_client ON refresh_tokens (client_id, created_at);
    CREATE INDEX IF NOT EXISTS clients_by_user ON clients (user_id) WHERE user_id IS NOT NULL;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX clients_by_user; DROP INDEX refresh_tokens_of_client; DROP INDEX access_tokens_of_client')
}
