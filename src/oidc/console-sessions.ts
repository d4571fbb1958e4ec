import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { SessionLifetimes } from '../accounts/session-lifetime-attributes.ts'
import { type ConsoleSession, isServiceActive } from '../clients/console-session-tickets.ts'
import { epochSeconds } from '../shared/clock.ts'
import { findActiveUser, hasNotEnded } from './engine-accounts.ts'
import { endStoredSession, recordSessionUse } from './engine-rows.ts'
import { type BrowserSession, validityOf } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { isUseRecorded, sessionTtl } from './session-lifetimes.ts'
import { seenBrowser } from './session-rows.ts'

/** What a service opens: a session of a user, in one account. */
export interface ConsoleLogin {
  readonly userId: string
  readonly accountId: string
  /** The user's `sessionsValidFrom`. */
  readonly since: Date
  readonly consoleSession: ConsoleSession
}

/** Lifetimes of a console session in seconds, unless those of the instance are shorter. */
const IDLE = 1800
const ABSOLUTE = 3600

const lifetimesOf = ({ idle, absolute }: SessionLifetimes): SessionLifetimes => ({
  idle: Math.min(idle, IDLE),
  absolute: Math.min(absolute, ABSOLUTE),
})

/**
 * Sessions in the console that a service of the company opened. They are sessions of the engine, so whatever ends a session ends them,
 * but the engine never accepts one: the browser names them in another cookie, and `isCurrentSession` is false.
 */
export function createConsoleSessions(engine: () => Provider, services: OidcServices) {
  const { knex, reader } = services.database

  async function keepAlive(ctx: Context, lifetimes: SessionLifetimes, session: BrowserSession): Promise<void> {
    if (session.listedAs && !isUseRecorded(lifetimes, session)) return
    session.lastUsedAt = epochSeconds()
    session.seen = seenBrowser(ctx)
    await recordSessionUse(knex, session, sessionTtl(lifetimes, session))
  }

  return {
    /** Opens a session. Its ID is a secret of the browser. Undefined: the user may not act in the account. */
    async open(ctx: Context, { userId, accountId, since, consoleSession }: ConsoleLogin): Promise<string | undefined> {
      const account = { id: accountId, isFixed: true }
      const user = await findActiveUser(services, userId, account)
      if (!user) return undefined
      const begun: BrowserSession = new (engine().Session)()
      begun.loginAccount({ accountId: userId, amr: [], loginTs: epochSeconds() })
      Object.assign(
        begun,
        validityOf({ since: since.toISOString(), account, memberSince: user.memberSince?.toISOString() }),
      )
      begun.consoleSession = consoleSession
      begun.lastUsedAt = epochSeconds()
      begun.seen = seenBrowser(ctx)
      await begun.save(sessionTtl(lifetimesOf(user.sessionLifetimes), begun))
      return begun.jti
    },

    /** The user of a session; undefined: it has ended, or is no console session. */
    async user(ctx: Context, id: string) {
      const session = (await engine().Session.find(id)) as BrowserSession | undefined
      const { accountId: userId, consoleSession, account } = session ?? {}
      if (!session || !userId || !consoleSession || !account) return undefined
      const [user, hasService] = await Promise.all([
        findActiveUser(services, userId, account),
        isServiceActive(reader, consoleSession),
      ])
      if (!user || !hasService || !hasNotEnded(user, session, lifetimesOf(user.sessionLifetimes))) return undefined
      await keepAlive(ctx, lifetimesOf(user.sessionLifetimes), session)
      return {
        ...user,
        signedInAt: new Date((session.loginTs ?? 0) * 1000),
        amr: [],
        // The service has asked for what it requires of its users.
        identityId: null,
        lacksSecondFactor: false,
        isAccountFixed: true,
        sessionId: session.listedAs ?? null,
        consoleSession,
      }
    },

    end: async (id: string): Promise<void> => void (await endStoredSession(knex, id)),
  }
}
