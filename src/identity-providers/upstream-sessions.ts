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

/** Deletes at most `limit` rows that no session can concern any more, because it would have expired. */
export const deleteOldUpstreamSessions = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(
    db,
    'ended_upstream_sessions',
    `ended_at < now() - interval '1 day' - make_interval(secs => (SELECT i.session_lifetime FROM instance_settings i))`,
    limit,
  )
