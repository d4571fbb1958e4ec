import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { hashSecret } from '../shared/secrets.ts'

/** The name of a session at a provider (claim `sid`), which is unique only within the provider. */
export const upstreamSessionHash = (providerId: string, sid: string): Buffer =>
  hashSecret(`upstream session ${providerId} ${sid}`)

/** Makes every session invalid that began with this session of the provider, or begins with it later. */
export async function endUpstreamSession(trx: Knex, hash: Buffer): Promise<void> {
  await trx('ended_upstream_sessions').insert({ session_hash: hash }).onConflict('session_hash').ignore()
}

/** Makes every session invalid that has begun with the identity. */
export async function endSessionsOfIdentity(trx: Knex, id: string): Promise<void> {
  await trx('user_identities')
    .where({ id })
    .update({ revocation_epoch: trx.raw('revocation_epoch + 1') })
}

/** Makes every session invalid that an operator has begun through the provider, also after operators may sign in through it again. */
export async function endSessionsOfOperators(trx: Knex, providerId: string): Promise<void> {
  const operators = trx('users').where({ role: 'operator' }).select('id')
  await trx('user_identities')
    .where({ provider_id: providerId })
    .whereIn('user_id', operators)
    .update({ revocation_epoch: trx.raw('revocation_epoch + 1') })
}

/**
 * Longer than a sign-in takes that was under way when its session at the provider ended: its state, its tickets and its interaction
 * expire within an hour.
 */
const LONGEST_SIGN_IN = "interval '2 hours'"

/** Deletes at most `limit` rows that concern no session, neither one that exists nor one that a sign-in under way begins. */
export const deleteOldUpstreamSessions = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(
    db,
    'ended_upstream_sessions',
    `ended_at < now() - ${LONGEST_SIGN_IN}
     AND NOT EXISTS (SELECT FROM engine_models m WHERE m.upstream_session = ended_upstream_sessions.session_hash)`,
    limit,
  )
