import type { Knex } from 'knex'

/**
 * PL/pgSQL plans a statement anew at each call where that looks cheaper, and it looks cheaper for a table with a partition for each
 * day: the check of a subject token took milliseconds, sixty times as long as its look-up. The other settings are those of
 * `record_revoked_exchanges`: a plan is kept, so it must not be made for a table that was small at the first call.
 */
const SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_seqscan: 'off',
}

const CHECK = 'is_subject_token_active(uuid, timestamptz)'

export async function up(knex: Knex): Promise<void> {
  for (const [name, value] of Object.entries(SETTINGS))
    await knex.raw(`ALTER FUNCTION ${CHECK} SET ${name} TO ${value}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`ALTER FUNCTION ${CHECK} RESET ALL`)
}
