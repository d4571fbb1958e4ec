import type { Knex } from 'knex'
import type { AdapterPayload } from 'oidc-provider'
import { lockUser, type User, userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { IdentityProvider } from '../identity-providers/identity-providers.ts'
import type { UpstreamLogout } from '../identity-providers/logout-tokens.ts'
import {
  endSessionsOfIdentity,
  endUpstreamSession,
  upstreamSessionHash,
} from '../identity-providers/upstream-sessions.ts'
import { endAssertedTokens, findIdentity } from '../identity-providers/user-identities.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { recordOnce } from './engine-rows.ts'
import { takeSessions } from './session-ends.ts'

/** The users whose sessions began with a session of a provider; a provider has one user in a session. */
const MAX_USERS = 20

interface Ending {
  readonly provider: IdentityProvider
  readonly logout: UpstreamLogout
  readonly ip: string
  readonly requestId: string
}

/** Undefined: the user is being deleted, which ends their sessions. */
const lockIfPresent = (trx: Knex, userId: string): Promise<User | undefined> =>
  lockUser(trx, userId).catch((error: unknown) => {
    if (error instanceof KeywrightError) return undefined
    throw error
  })

/** Locks users in one order, and before what belongs to them, as a sign-in does, so that the two do not deadlock. */
async function lockUsers(trx: Knex, userIds: Iterable<string>): Promise<Map<string, User | undefined>> {
  const users = new Map<string, User | undefined>()
  for (const userId of [...new Set(userIds)].sort()) users.set(userId, await lockIfPresent(trx, userId))
  return users
}

/**
 * Ends the sessions that came of what ended at the provider, at whichever node, and returns what they held. A sign-in that is under way
 * begins no valid session any more.
 * @throws KeywrightError `invalid_input`: the token was used before
 */
export async function takeUpstreamSessions(
  knex: Knex,
  keys: EncryptionKeys,
  { provider, logout, ip, requestId }: Ending,
): Promise<readonly AdapterPayload[]> {
  const { subject, sid, jti, keptUntil } = logout
  return await knex.transaction(async (trx) => {
    if (!(await recordOnce(trx, `logout token ${provider.id} ${jti}`, epochSeconds(keptUntil))))
      throw new KeywrightError('invalid_input', 'the logout token is not valid: it was used before')
    const readIdentity = async () => (subject === undefined ? undefined : await findIdentity(trx, provider.id, subject))
    const found = await readIdentity()
    const hash = sid === undefined ? undefined : upstreamSessionHash(provider.id, sid)
    const rows = hash
      ? await trx('engine_models').where({ upstream_session: hash }).limit(MAX_USERS).distinct('user_id', 'identity_id')
      : []
    const users = await lockUsers(trx, [...rows.map(({ user_id }) => user_id), ...(found ? [found.userId] : [])])
    // Before the lock was free, the identity may have been removed, and linked to the user again.
    const present = await readIdentity()
    const identity = present && users.has(present.userId) ? present : found
    if (hash) await endUpstreamSession(trx, hash)
    else if (identity) await endSessionsOfIdentity(trx, identity.id)
    // An assertion names no session of the provider, so its tokens end with any of the subject.
    const signedOut = [identity?.id, ...rows.map(({ identity_id }) => identity_id)].filter(
      (id) => typeof id === 'string',
    )
    await endAssertedTokens(trx, [...new Set(signedOut)].sort())
    const ended: AdapterPayload[] = []
    for (const [userId, user] of users) {
      const sessions = await takeSessions(trx, keys, (all) => {
        all.where({ user_id: userId })
        if (!hash) all.where({ identity_id: identity!.id })
        // A session whose ID token named no session of the provider ends with any of the subject.
        else
          all.where((one) => {
            one.where({ upstream_session: hash })
            if (identity) one.orWhere({ identity_id: identity.id, upstream_session: null })
          })
      })
      ended.push(...sessions)
      if (!user || sessions.length === 0) continue
      const detail = { identity_provider: provider.id, sessions: sessions.length }
      const actor = { type: 'system', id: 'identity provider', ip, requestId } as const
      await recordAudit(trx, actor, userEntry('user.sessions_ended_by_provider', user, detail))
    }
    return ended
  })
}
