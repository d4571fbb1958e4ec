import type { Knex } from 'knex'
import { hash, inSeconds } from './adapter.ts'

/** Makes a session expire `seconds` from now. A session that was signed out stays signed out. */
export async function extendSession(knex: Knex, id: string, seconds: number): Promise<void> {
  const row = knex('engine_models').where({ model: 'Session', id_hash: hash(id) })
  await row.whereNotNull('payload').update({ expires_at: inSeconds(knex, seconds) })
}

/** Records a one-time id. False when any node has recorded it before. */
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
