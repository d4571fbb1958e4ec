/**
 * PostgreSQL evaluates the conditions of a scan in the order of their cost. At the cost of a comparison, `is_subject_token_active`
 * came before the comparison of the token's ID where a small table is read whole: it was evaluated for every exchanged token, and
 * each evaluation read the table again and did the same, without end. At a higher cost it comes last.
 */
import type { Knex } from 'knex'

const setCost = (cost: number) => `ALTER FUNCTION is_subject_token_active(uuid, timestamptz) COST ${cost}`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(setCost(10))
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(setCost(1))
}
