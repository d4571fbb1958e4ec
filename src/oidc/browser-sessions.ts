import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { AccountOfUser, User } from '../accounts/users.ts'
import { epochSeconds } from '../shared/clock.ts'
import { findActiveUser, isCurrentSession } from './engine-accounts.ts'
import { backchannelLogout } from './engine-internals.ts'
import { extendSession } from './engine-rows.ts'
import { type BrowserSession, SESSION_COOKIE } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { extensionOf, sessionTtl } from './session-lifetimes.ts'

/** How somebody proved who they are. `since` is their `sessionsValidFrom` of that moment. */
export interface Login {
  readonly userId: string
  readonly since: Date
  readonly amr: readonly string[]
}

/** How the person proved who they are, in words for those who ask for a level (OpenID Connect Core, section 2, `acr`). */
export const ACR = 'urn:keywright:acr:password'

/** The engine's words for a login. */
export const toEngineLogin = ({ userId, since, amr }: Login) => ({
  accountId: userId,
  amr: [...amr],
  acr: ACR,
  ts: epochSeconds(),
  since: since.toISOString(),
})

/** The sessions of browsers, beside any request of an application. */
export function createBrowserSessions(engine: () => Provider, services: OidcServices) {
  const current = async (ctx: Context): Promise<BrowserSession> => await engine().Session.get(ctx as never)

  function setCookie(ctx: Context, value: string | null, expires?: Date): void {
    const { cookies } = engine().createContext(ctx.req, ctx.res)
    cookies.secure = ctx.secure
    cookies.set(engine().cookieName('session'), value, { ...SESSION_COOKIE, ...(expires && { expires }) })
  }

  async function tellClient(clientId: string, accountId: string, sid: string | undefined): Promise<void> {
    const client = await engine().Client.find(clientId)
    const sending = client && backchannelLogout(client, accountId, sid)
    const outcome = await sending?.then(
      () => 'told',
      () => 'failed',
    )
    if (outcome) services.metrics.backchannelLogouts.inc({ outcome })
  }

  /** OpenID Connect Back-Channel Logout 1.0, section 2.5. One that cannot be reached must not keep anybody signed in. */
  async function tellClients({ authorizations, accountId }: BrowserSession): Promise<void> {
    const told = Object.entries(authorizations ?? {}).map(([clientId, { sid }]) =>
      tellClient(clientId, accountId!, sid),
    )
    await Promise.all(told)
  }

  const expiryIn = (seconds: number): Date => new Date(Date.now() + seconds * 1000)

  /** A visit to the console is use, which the engine does not see. */
  async function keepAlive(ctx: Context, session: BrowserSession): Promise<void> {
    const ttl = extensionOf(services.sessionLifetimes, session)
    if (ttl === undefined) return
    await extendSession(services.database.knex, session.jti, ttl)
    setCookie(ctx, session.jti, expiryIn(ttl))
  }

  return {
    /** Who is signed in and may act. */
    async person(ctx: Context): Promise<(User & AccountOfUser & { signedInAt: Date }) | undefined> {
      const present = await current(ctx)
      const user = present.accountId ? await findActiveUser(services, present.accountId) : undefined
      if (!user || !isCurrentSession(services, user, present)) return undefined
      await keepAlive(ctx, present)
      return { ...user, signedInAt: new Date((present.loginTs ?? 0) * 1000) }
    },

    /** Always under a new session id, so that nobody can have planted it (session fixation). */
    async begin(ctx: Context, login: Login): Promise<void> {
      const present = await current(ctx)
      const isOther = present.accountId !== undefined && present.accountId !== login.userId
      if (isOther) await tellClients(present)
      if (present.accountId) await present.destroy()
      const { ts: loginTs, since, ...details } = toEngineLogin(login)
      const begun: BrowserSession = new (engine().Session)()
      if (!isOther) begun.authorizations = present.authorizations
      begun.loginAccount({ ...details, loginTs })
      begun.subjectSince = since
      const ttl = sessionTtl(services.sessionLifetimes, begun)
      await begun.save(ttl)
      setCookie(ctx, begun.jti, expiryIn(ttl))
    },

    async end(ctx: Context): Promise<void> {
      const present = await current(ctx)
      if (!present.accountId) return
      await tellClients(present)
      await present.destroy()
      setCookie(ctx, null)
    },
  }
}
