import type { Knex } from 'knex'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { IdentityProvider } from './identity-providers.ts'

/** The name of a session at a provider (claim `sid`), which is unique only within the provider. */
export const upstreamSessionHash = (providerId: string, sid: string): Buffer =>
  hashSecret(`upstream session ${providerId} ${sid}`)

/** Characters of an ID token that is kept for the sign-out: the URL that contains it would be too long otherwise. */
const LONGEST_ID_TOKEN = 4096

/** What a session depends on that begins with an identity. @param proved of the provider's response */
export const sessionIdentityOf = (
  { id: providerId, revocationEpoch, signOutAtProvider }: IdentityProvider,
  { id, identityEpoch }: { readonly id: string; readonly identityEpoch: number },
  { sid, idToken }: { readonly sid: string | undefined; readonly idToken: string },
): SessionIdentity => ({
  id,
  revocationEpoch,
  identityEpoch,
  ...(sid !== undefined && { session: upstreamSessionHash(providerId, sid).toString('base64url') }),
  ...(signOutAtProvider && idToken.length <= LONGEST_ID_TOKEN && { idToken }),
})

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
