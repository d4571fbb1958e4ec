import type { Knex } from 'knex'
import { hash, inSeconds } from './adapter.ts'

interface SessionUse {
  /** Seconds since 1970. */
  readonly usedAt: number
  /** Seconds from now until the session expires. */
  readonly ttl: number
}

/** Records that a session is used. A session that was signed out stays signed out. */
export async function recordSessionUse(knex: Knex, id: string, { usedAt, ttl }: SessionUse): Promise<void> {
  const row = knex('engine_models').where({ model: 'Session', id_hash: hash(id) })
  const use = { expires_at: inSeconds(knex, ttl), last_used_at: knex.raw('to_timestamp(?)', [usedAt]) }
  await row.whereNotNull('payload').update(use)
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
