import type { Knex } from 'knex'
import { hash, inSeconds } from './adapter.ts'

// What else is done to rows of the engine's models.

/** Keeps a session for so many seconds from now. One that was signed out stays so. */
export async function extendSession(knex: Knex, id: string, seconds: number): Promise<void> {
  const row = knex('engine_models').where({ model: 'Session', id_hash: hash(id) })
  await row.whereNotNull('payload').update({ expires_at: inSeconds(knex, seconds) })
}

/** Notes that a one-time id was seen; false when it had been, on whichever node. */
export async function recordOnce(knex: Knex, id: string, expiresAt: number): Promise<boolean> {
  const inserted = await knex('engine_models')
    .insert({
      model: 'ReplayDetection',
      id_hash: hash(id),
      expires_at: knex.raw('to_timestamp(?)', [expiresAt]),
    })
    .onConflict(['model', 'id_hash'])
    .ignore()
    .returning('model')
  return inserted.length > 0
}
