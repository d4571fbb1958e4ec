import type { Knex } from 'knex'
import type { AdapterPayload } from 'oidc-provider'
import { revokeSessionsOfUser } from '../accounts/user-access.ts'
import { MAX_SESSIONS } from '../accounts/user-sessions.ts'
import { lockUser, type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { hash, openPayload } from './adapter.ts'
import { type BrowserSession, sinceOf } from './engine-sessions.ts'
import { emptied } from './session-rows.ts'

interface SessionRow {
  readonly id_hash: Buffer
  readonly payload: Buffer
}

/** Ends sessions, at most `MAX_SESSIONS`, and returns what they held. */
export async function takeSessions(
  trx: Knex,
  keys: EncryptionKeys,
  narrow: (sessions: Knex.QueryBuilder) => void,
): Promise<AdapterPayload[]> {
  const rows: SessionRow[] = await trx('engine_models')
    .where({ model: 'Session' })
    .whereNotNull('payload')
    .modify(narrow)
    .orderBy('last_used_at', 'desc')
    .limit(MAX_SESSIONS)
    .forUpdate()
    .select('id_hash', 'payload')
  const ids = rows.map(({ id_hash }) => id_hash)
  await trx('engine_models').where({ model: 'Session' }).whereIn('id_hash', ids).update(emptied(trx))
  return rows.map((row) => openPayload(keys, 'Session', row)).filter((payload) => payload !== undefined)
}

interface SessionEnd {
  readonly userId: string
  readonly actor: Actor
}

/** Ends one session of a user. Returns what it held; undefined: the user has no such session. */
export async function takeUserSession(
  knex: Knex,
  keys: EncryptionKeys,
  { userId, actor, sessionId }: SessionEnd & { readonly sessionId: string },
): Promise<AdapterPayload | undefined> {
  return await knex.transaction(async (trx) => {
    const user = await lockUser(trx, userId)
    const [session] = await takeSessions(
      trx,
      keys,
      (sessions) => void sessions.where({ user_id: userId, session_id: sessionId }),
    )
    if (session) await recordAudit(trx, actor, userEntry('user.session_ended', user, { session: sessionId }))
    return session
  })
}

/** The session of the browser that stays signed in. */
interface KeptSession {
  /** A secret. */
  readonly jti: string
  readonly subjectSince?: string | undefined
  readonly account?: BrowserSession['account']
}

/** Whether nobody has ended the session before this transaction got the lock of the user. */
async function isStillValid(trx: Knex, user: User, { jti, ...kept }: KeptSession): Promise<boolean> {
  if (sinceOf(kept) !== user.sessionsValidFrom.toISOString()) return false
  const row = await trx('engine_models')
    .where({ model: 'Session', id_hash: hash(jti) })
    .whereNotNull('payload')
    .first('id_hash')
  return row !== undefined
}

interface EndedSessions {
  /** What they held. */
  readonly ended: readonly AdapterPayload[]
  readonly user: User
}

/**
 * Ends every session of a user, also those that no list shows: the browser that is kept needs a new one. Undefined: its session
 * was ended meanwhile, and nothing is done.
 */
export async function takeOtherSessions(
  knex: Knex,
  keys: EncryptionKeys,
  { userId, actor, kept }: SessionEnd & { readonly kept: KeptSession },
): Promise<EndedSessions | undefined> {
  return await knex.transaction(async (trx) => {
    if (!(await isStillValid(trx, await lockUser(trx, userId), kept))) return undefined
    const others = (sessions: Knex.QueryBuilder) =>
      void sessions.where({ user_id: userId }).whereNot({ id_hash: hash(kept.jti) })
    const ended = await takeSessions(trx, keys, others)
    const user = await revokeSessionsOfUser(trx, userId)
    await recordAudit(trx, actor, userEntry('user.other_sessions_ended', user, { sessions: ended.length }))
    return { ended, user }
  })
}
