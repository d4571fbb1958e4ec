import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { AdapterPayload } from 'oidc-provider'
import type { SessionAccount } from '../accounts/memberships.ts'
import type { SessionLifetimes } from '../accounts/session-lifetime-attributes.ts'
import { isMultiFactor, type SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { AccountOfUser, User } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import { epochSeconds } from '../shared/clock.ts'
import { isId } from '../shared/ids.ts'
import { acrOf, statedElsewhere } from './authentication-context.ts'
import { findActiveUser, isCurrentSession, isIdentityValid } from './engine-accounts.ts'
import { backchannelLogout } from './engine-internals.ts'
import { endStoredSession, recordSessionUse } from './engine-rows.ts'
import { type BrowserSession, SESSION_COOKIE, validityOf } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { takeOtherSessions, takeUserSession } from './session-ends.ts'
import { isUseRecorded, sessionTtl } from './session-lifetimes.ts'
import { seenBrowser } from './session-rows.ts'

/** A sign-in. `since` is the user's `sessionsValidFrom` at that moment. */
export interface Login {
  readonly userId: string
  readonly since: Date
  readonly amr: readonly string[]
  /** When the user proved it, whose present session continues under another ID; absent: now. */
  readonly signedInAt?: Date
  /** The authentication context class that somebody else stated; absent: `amr` decides. */
  readonly acr?: string
  /** When the user proved who they are elsewhere; absent: now. */
  readonly authenticatedAt?: Date
  /**
   * The account in which the user acts. Absent: that of the present session of the user in this browser, fixed only if the session
   * goes on (`signedInAt`); otherwise the first account.
   */
  readonly account?: SessionAccount
  /** The identity at a provider that the session depends on. Absent: that of the present session, if it goes on (`signedInAt`). */
  readonly identity?: SessionIdentity
}

/** When and how the user of a session signed in. */
interface SessionFacts {
  readonly signedInAt: Date
  readonly amr: readonly string[]
  /** The identity at a provider that the session began with; null: none. */
  readonly identityId: string | null
  /** The user has a second factor, and the session began without one: it was added later. */
  readonly lacksSecondFactor: boolean
  /** The session is valid in this account only, and changes nothing that the user has outside it. */
  readonly isAccountFixed: boolean
  /** The ID of the session in lists; null: it was not listed before this request. */
  readonly sessionId: string | null
}

/** What a session holds of the applications that its user signed in to. */
type NotifiedSession = Pick<AdapterPayload, 'authorizations' | 'accountId'>

/** A login as the engine expects it. */
const toEngineLogin = ({ userId, since, amr, acr, signedInAt, authenticatedAt, account, identity }: Login) => ({
  accountId: userId,
  amr: [...amr],
  acr: acr ?? acrOf(amr),
  ts: epochSeconds(signedInAt ?? authenticatedAt),
  since: since.toISOString(),
  ...(account && { account: { id: account.id, isFixed: account.isFixed } }),
  ...(identity && { identity: { ...identity } }),
})

/** A login with its account. Without a stated one, the user stays in that of the present session, which only its continuation leaves fixed. */
function withAccount(
  stated: Login,
  { accountId, account, identity }: Pick<BrowserSession, 'accountId' | 'account' | 'identity'>,
): Login {
  const goesOn = stated.signedInAt !== undefined && accountId === stated.userId
  const login = goesOn && identity ? { ...stated, identity } : stated
  if (login.account || !account || accountId !== login.userId) return login
  return { ...login, account: { id: account.id, isFixed: account.isFixed && login.signedInAt !== undefined } }
}

/** The sessions of browsers, outside of authorization requests. */
export function createBrowserSessions(engine: () => Provider, services: OidcServices) {
  const { encryptionKeys, database } = services
  const { knex } = database
  const current = async (ctx: Context): Promise<BrowserSession> => await engine().Session.get(ctx as never)

  function setCookie(ctx: Context, value: string | null, expires?: Date): void {
    const { cookies } = engine().createContext(ctx.req, ctx.res)
    cookies.secure = ctx.secure
    cookies.set(engine().cookieName('session'), value, { ...SESSION_COOKIE, ...(expires && { expires }) })
  }

  async function notifyClient(clientId: string, accountId: string, sid: string | undefined): Promise<void> {
    const client = await engine().Client.find(clientId)
    const sending = client && backchannelLogout(client, accountId, sid)
    const outcome = await sending?.then(
      () => 'delivered',
      () => 'failed',
    )
    if (outcome) services.metrics.backchannelLogouts.inc({ outcome })
  }

  /** Sends logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.5). A failure does not stop the sign-out. */
  async function notifyClients({ authorizations, accountId }: NotifiedSession): Promise<void> {
    const notifications = Object.entries(authorizations ?? {}).map(([clientId, { sid }]) =>
      notifyClient(clientId, accountId!, sid),
    )
    await Promise.all(notifications)
  }

  const expiryIn = (seconds: number): Date => new Date(Date.now() + seconds * 1000)

  /** A request to the console counts as use of the session, which the engine does not see. */
  async function keepAlive(ctx: Context, lifetimes: SessionLifetimes, session: BrowserSession): Promise<void> {
    if (session.listedAs && !isUseRecorded(lifetimes, session)) return
    const ttl = sessionTtl(lifetimes, session)
    session.lastUsedAt = epochSeconds()
    session.seen = seenBrowser(ctx)
    await recordSessionUse(knex, session, ttl)
    setCookie(ctx, session.jti, expiryIn(ttl))
  }

  /**
   * Signs in under a new session ID, which prevents session fixation. A user who was disabled meanwhile gets no session, and a session
   * that was ended meanwhile does not continue.
   */
  async function begin(ctx: Context, stated: Login): Promise<void> {
    const present = await current(ctx)
    const login = withAccount(stated, present)
    const user = await findActiveUser(services, login.userId, login.account)
    if (!user) return
    const isOther = present.accountId !== undefined && present.accountId !== login.userId
    if (isOther) await notifyClients(present)
    const hasEnded = present.accountId !== undefined && (await endStoredSession(knex, present.jti))
    if (login.signedInAt && !hasEnded) return
    const acr = login.acr ?? (login.signedInAt && statedElsewhere(present.acr))
    const {
      ts: loginTs,
      since,
      account,
      identity,
      ...details
    } = toEngineLogin({ ...login, ...(acr !== undefined && { acr }) })
    const begun: BrowserSession = new (engine().Session)()
    if (!isOther) begun.authorizations = present.authorizations
    begun.loginAccount({ ...details, loginTs })
    Object.assign(begun, validityOf({ since, account, identity, memberSince: user.memberSince?.toISOString() }))
    begun.lastUsedAt = epochSeconds()
    begun.seen = seenBrowser(ctx)
    const ttl = sessionTtl(user.sessionLifetimes, begun)
    await begun.save(ttl)
    setCookie(ctx, begun.jti, expiryIn(ttl))
  }

  return {
    /** A login as the engine expects it, with the account that it leaves the user of this browser in. */
    async engineLogin(ctx: Context, stated: Login) {
      const login = withAccount(stated, await current(ctx))
      const user = login.account?.isFixed ? await findActiveUser(services, login.userId, login.account) : undefined
      return { ...toEngineLogin(login), ...(user?.memberSince && { memberSince: user.memberSince.toISOString() }) }
    },

    /** The user who is signed in and active. */
    async user(ctx: Context): Promise<(User & AccountOfUser & SessionFacts) | undefined> {
      const present = await current(ctx)
      const user = present.accountId ? await findActiveUser(services, present.accountId, present.account) : undefined
      if (!user || !isCurrentSession(user, present) || !(await isIdentityValid(services, present))) return undefined
      await keepAlive(ctx, user.sessionLifetimes, present)
      const amr = present.amr ?? []
      const lacksSecondFactor = user.hasSecondFactor && !isMultiFactor(amr)
      return {
        ...user,
        signedInAt: new Date((present.loginTs ?? 0) * 1000),
        amr,
        identityId: present.identity?.id ?? null,
        lacksSecondFactor,
        isAccountFixed: present.account?.isFixed ?? false,
        sessionId: present.listedAs ?? null,
      }
    },

    begin,

    /** Notifies the applications of sessions that have ended. */
    notify: async (ended: readonly NotifiedSession[]): Promise<void> =>
      void (await Promise.all(ended.map(notifyClients))),

    /** Returns the identity at a provider that the session began with, if any. */
    async end(ctx: Context): Promise<SessionIdentity | undefined> {
      const present = await current(ctx)
      if (!present.accountId) return undefined
      const { identity } = present
      await notifyClients(present)
      await present.destroy()
      setCookie(ctx, null)
      return identity
    },

    /** Ends a session of a user, in whichever browser. False: the user has no such session. */
    async endOne(userId: string, sessionId: string, actor: Actor): Promise<boolean> {
      if (!isId(sessionId)) return false
      const session = await takeUserSession(knex, encryptionKeys, { userId, sessionId, actor })
      if (session) await notifyClients(session)
      return session !== undefined
    },

    /**
     * Ends every session of the signed-in user except that of this browser, which continues under another ID. False: the
     * session of this browser was ended meanwhile.
     */
    async endOthers(ctx: Context, login: Omit<Login, 'since'>, actor: Actor): Promise<boolean> {
      const kept = await current(ctx)
      const result = await takeOtherSessions(knex, encryptionKeys, { userId: login.userId, kept, actor })
      if (!result) return false
      await begin(ctx, { ...login, since: result.user.sessionsValidFrom })
      await Promise.all(result.ended.map(notifyClients))
      return true
    },
  }
}
