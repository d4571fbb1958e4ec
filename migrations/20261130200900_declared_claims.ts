/** Claims of access tokens that an API declares, with values from metadata. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE apis ADD COLUMN claims jsonb NOT NULL DEFAULT '[]'
      CONSTRAINT apis_claims_array CHECK (jsonb_typeof(claims) = 'array');
    COMMENT ON COLUMN apis.claims IS 'Objects with name, from and key, as in src/shared/declared-claims.ts'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE apis DROP COLUMN claims')
}
