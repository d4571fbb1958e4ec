/**
 * The `typ` of an API's access tokens: `at+jwt` (RFC 9068), or `JWT` for resource servers whose library refuses anything
 * else (Spring Security by its configuration alone, Dovecot).
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE apis
      ADD COLUMN token_type text NOT NULL DEFAULT 'at+jwt',
      ADD CONSTRAINT apis_token_type CHECK (token_type IN ('at+jwt', 'JWT'))
  `)
}

/** Resource servers that accept `JWT` only refuse the tokens that are issued from then on. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE apis DROP COLUMN token_type')
}
