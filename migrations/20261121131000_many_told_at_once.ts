/**
 * The triggers that tell what ended compare rows before and after. A session plans that once, by how many there are the
 * first time, mostly one, and would later compare each of ten thousand with each: an account, or the instance, could not
 * be switched off any more.
 */
import type { Knex } from 'knex'

const COMPARING = ['tell_tokens_ended', 'tell_epochs_ended', 'tell_slots_moved']

export async function up(knex: Knex): Promise<void> {
  for (const name of COMPARING) await knex.raw(`ALTER FUNCTION ${name}() SET enable_nestloop = off`)
}

export async function down(knex: Knex): Promise<void> {
  for (const name of COMPARING) await knex.raw(`ALTER FUNCTION ${name}() RESET enable_nestloop`)
}
