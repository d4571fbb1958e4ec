import type { Knex } from 'knex'
import type { BrowserName } from '../shared/user-agents.ts'
import type { User } from './users.ts'

/** A session of a user in a browser. */
export interface UserSession extends BrowserName {
  /** Names the session and grants nothing. */
  readonly id: string
  /** The address of the last request that was recorded. */
  readonly address: string | null
  readonly signedInAt: Date
  /** To within a few minutes. */
  readonly lastUsedAt: Date
}

/** The most sessions in a list: those that were used last. */
export const MAX_SESSIONS = 100

/** SQL: the valid sessions of `u`, a row of `users`. The engine stores them. */
export const SESSIONS_OF_USER = `
  SELECT m.session_id AS id, m.browser, m.system, m.address, m.signed_in_at, m.last_used_at
    FROM engine_models m CROSS JOIN instance_settings i
   WHERE m.user_id = u.id AND m.payload IS NOT NULL AND m.expires_at > now()
     AND m.subject_since = date_trunc('milliseconds', u.sessions_valid_from)
     AND m.signed_in_at > now() - make_interval(secs => i.session_lifetime)
     AND m.last_used_at > now() - make_interval(secs => i.session_idle_lifetime)
   ORDER BY m.last_used_at DESC LIMIT ${MAX_SESSIONS}`

export interface SessionRow {
  readonly id: string
  readonly browser: string | null
  readonly system: string | null
  readonly address: string | null
  /** A date, or its text where the row is part of a JSON column. */
  readonly signed_in_at: Date | string
  readonly last_used_at: Date | string
}

export const toUserSession = ({ id, browser, system, address, ...times }: SessionRow): UserSession => ({
  id,
  browser,
  system,
  address,
  signedInAt: new Date(times.signed_in_at),
  lastUsedAt: new Date(times.last_used_at),
})

/** The valid sessions of a user, the one that was used last first. */
export async function listUserSessions(knex: Knex, userId: string): Promise<UserSession[]> {
  const text = `SELECT s.* FROM users u CROSS JOIN LATERAL (${SESSIONS_OF_USER}) s WHERE u.id = ?`
  const { rows } = await knex.raw(text, [userId])
  return rows.map(toUserSession)
}

/** Whether nobody has ended a session of a user. The caller has locked the user, so nobody ends it meanwhile. */
export async function isSessionPresent(trx: Knex, userId: string, sessionId: string): Promise<boolean> {
  const session = trx('engine_models').where({ user_id: userId, session_id: sessionId })
  return (await session.whereNotNull('payload').first('session_id')) !== undefined
}

/** A user as their session was read. */
export type SessionOwner = Pick<User, 'id' | 'sessionsValidFrom'>

/**
 * Whether the sessions of a user that were valid when one was read are valid still. What a session sets up is written only then: a proof of
 * the mailbox, or a new password, may have ended it while the request waited for the lock.
 */
export const isSameSession = (read: SessionOwner, locked: SessionOwner): boolean =>
  Number(read.sessionsValidFrom) === Number(locked.sessionsValidFrom)
