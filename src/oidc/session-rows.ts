import type { Knex } from 'knex'
import type { Context } from 'koa'
import { newId } from '../shared/ids.ts'
import { type BrowserName, browserNameOf } from '../shared/user-agents.ts'

/** The browser of a session, as its last recorded request showed it. */
export interface SeenBrowser extends BrowserName {
  readonly address: string
}

export const seenBrowser = (ctx: Pick<Context, 'get' | 'ip'>): SeenBrowser => ({
  ...browserNameOf(ctx.get('user-agent')),
  address: ctx.ip,
})

/** What the row of a session takes from the session. */
export interface StoredSession {
  readonly accountId?: string | undefined
  readonly loginTs?: number | undefined
  readonly lastUsedAt?: number | undefined
  readonly subjectSince?: string | undefined
  readonly account?: { readonly since?: string } | undefined
  readonly seen?: SeenBrowser
  readonly identity?: { readonly id: string; readonly session?: string } | undefined
}

const at = (db: Knex, seconds: number | undefined) =>
  seconds === undefined ? null : db.raw('to_timestamp(?)', [seconds])

/** The columns by which a session of a user is listed; they are beside the sealed payload. Empty while nobody is signed in. */
export function sessionColumns(db: Knex, session: StoredSession): Record<string, unknown> {
  const { accountId, loginTs, lastUsedAt, subjectSince, account, seen, identity } = session
  if (!accountId) return {}
  return {
    user_id: accountId,
    signed_in_at: at(db, loginTs),
    last_used_at: at(db, lastUsedAt),
    subject_since: subjectSince ?? account?.since ?? null,
    browser: seen?.browser ?? null,
    system: seen?.system ?? null,
    address: seen?.address ?? null,
    identity_id: identity?.id ?? null,
    upstream_session: identity?.session ? Buffer.from(identity.session, 'base64url') : null,
  }
}

/** The ID that a session has in lists stays. */
export const keptSessionId = (db: Knex) => db.raw('coalesce(engine_models.session_id, ?)', [newId()])

/** What is left of a row that was used, or whose session was signed out. */
export const emptied = (db: Knex) => ({
  payload: null,
  uid_hash: null,
  code_hash: null,
  session_id: null,
  user_id: null,
  browser: null,
  system: null,
  address: null,
  identity_id: null,
  upstream_session: null,
  expires_at: db.raw('now() + make_interval(secs => 600)'),
})
