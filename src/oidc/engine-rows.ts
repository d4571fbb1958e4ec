import type { Knex } from 'knex'
import { hash, inSeconds } from './adapter.ts'
import { emptied, keptSessionId, type StoredSession, sessionColumns } from './session-rows.ts'

/**
 * Records that a session is used, without its payload: another request may add to it. A session that was signed out stays
 * signed out.
 * @param ttl seconds from now until it expires
 */
export async function recordSessionUse(
  knex: Knex,
  session: StoredSession & { jti: string },
  ttl: number,
): Promise<void> {
  const row = knex('engine_models').where({ model: 'Session', id_hash: hash(session.jti) })
  const use = { ...sessionColumns(knex, session), session_id: keptSessionId(knex), expires_at: inSeconds(knex, ttl) }
  await row.whereNotNull('payload').update(use)
}

/** Ends a session. False: it was ended before. Of several requests one ends it. */
export async function endStoredSession(knex: Knex, jti: string): Promise<boolean> {
  const row = knex('engine_models').where({ model: 'Session', id_hash: hash(jti) })
  return (await row.whereNotNull('payload').update(emptied(knex))) > 0
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

/** Records the use of a DPoP proof until `expiresAt`, in seconds since 1970. False when any node has recorded it before. */
export const recordProofUse = (knex: Knex, clientId: string, jti: string, expiresAt: number): Promise<boolean> =>
  recordOnce(knex, `${clientId}\n${jti}`, expiresAt)
