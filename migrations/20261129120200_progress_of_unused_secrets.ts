/**
 * Before a secret retires because it is unused, a job reads the tokens of its client since the last use: a node that was killed
 * could not write its last uses. A client can have many millions of them. So the job reads them in parts, and a later run
 * continues at `unused_until`.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets ADD COLUMN unused_until timestamptz;
    COMMENT ON COLUMN client_secrets.unused_until IS 'no token was issued with it between its last use and this time; null: not examined';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE client_secrets DROP COLUMN unused_until')
}
