import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { getClient } from '../clients/clients.ts'
import { epochSeconds } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { allow, type Permissions } from '../tokens/consents.ts'
import { onThisSite } from './engine-pages.ts'
import { findPerson, isCurrentSession } from './people.ts'
import type { OidcServices } from './services.ts'

type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>
type EngineSession = InstanceType<Provider['Session']>

/** How the person proved who they are, in words for those who ask for a level (OpenID Connect Core, section 2, `acr`). */
const ACR = 'urn:keywright:acr:password'

/** How long a browser stays signed in after its last visit: 14 days, in seconds. */
export const SESSION_TTL = 1_209_600

/** A part of the engine's client that its types leave out. */
interface LogoutClient {
  readonly backchannelLogoutUri?: string
  backchannelLogout(sub: string, sid: string | undefined): Promise<void>
}

interface Missing {
  readonly missingOIDCScope?: string[]
  readonly missingOIDCClaims?: string[]
  readonly missingResourceScopes?: Record<string, string[]>
  readonly asked?: Permissions
}

/** What is asked for and not allowed yet; all that is asked for when the page is wanted all the same. */
function wantedOf({ prompt }: EngineInteraction): Permissions {
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes, asked } = prompt.details as Missing
  const isNew = missingOIDCScope || missingOIDCClaims || missingResourceScopes
  if (!isNew && asked) return asked
  return {
    identityScopes: missingOIDCScope ?? [],
    claims: missingOIDCClaims ?? [],
    apis: missingResourceScopes ?? {},
  }
}

const toInteraction = (details: EngineInteraction) => ({
  uid: details.uid,
  prompt: details.prompt.name as 'login' | 'consent',
  clientId: String(details.params.client_id),
  ...(!details.deviceCode && { redirectUri: String(details.params.redirect_uri) }),
  ...(details.session && { userId: details.session.accountId }),
  ...(typeof details.params.login_hint === 'string' && { loginHint: details.params.login_hint }),
  wanted: wantedOf(details),
})

/** What the pages do with sign-ins that are under way, and with the session of their browser. */
export function createSignInFlow(engine: () => Provider, services: OidcServices) {
  const { knex } = services.database

  async function details(ctx: Context, uid: string): Promise<EngineInteraction | undefined> {
    try {
      const found = await engine().interactionDetails(ctx.req, ctx.res)
      return found.uid === uid ? found : undefined
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    }
  }

  async function finish(ctx: Context, result: object, merge: boolean): Promise<void> {
    const options = { mergeWithLastSubmission: merge }
    const returnTo = await engine().interactionResult(ctx.req, ctx.res, result as never, options)
    ctx.status = 303
    ctx.redirect(onThisSite(returnTo))
  }

  /** A node whose clock is behind the database's must not begin a session that counts as ended. */
  async function loginOf(login: { userId: string; amr: readonly string[] }) {
    const user = await findPerson(services, login.userId)
    const validFrom = user ? epochSeconds(user.sessionsValidFrom) : 0
    return { accountId: login.userId, amr: [...login.amr], acr: ACR, ts: Math.max(epochSeconds(), validFrom) }
  }

  async function session(ctx: Context): Promise<EngineSession> {
    return await engine().Session.get(ctx as never)
  }

  const cookiesOf = (ctx: Context) => {
    const { cookies } = engine().createContext(ctx.req, ctx.res)
    cookies.secure = ctx.secure
    return cookies
  }
  const cookie = { httpOnly: true, sameSite: 'lax', overwrite: true } as const

  /** OpenID Connect Back-Channel Logout 1.0, section 2.5. One that cannot be reached must not keep anybody signed in. */
  async function tellClients(present: EngineSession): Promise<void> {
    const told = Object.entries(present.authorizations ?? {}).map(async ([clientId, { sid }]) => {
      const client = (await engine().Client.find(clientId)) as LogoutClient | undefined
      if (client?.backchannelLogoutUri) await client.backchannelLogout(present.accountId!, sid)
    })
    await Promise.allSettled(told)
  }

  return {
    async find(ctx: Context, uid: string) {
      const found = await details(ctx, uid)
      return found && toInteraction(found)
    },

    async finishLogin(ctx: Context, _uid: string, login: { userId: string; amr: readonly string[] }) {
      await finish(ctx, { login: await loginOf(login) }, false)
    },

    async allow(ctx: Context, uid: string) {
      const found = await details(ctx, uid)
      if (!found) throw new KeywrightError('invalid_grant', 'the sign-in is over')
      const userId = found.session!.accountId
      const { key } = await getClient(knex, String(found.params.client_id))
      const actor = { type: 'user', id: userId, ip: ctx.ip, requestId: ctx.state.requestId } as const
      await allow(knex, { userId, clientKey: key }, wantedOf(found), actor)
      await finish(ctx, { consent: {} }, true)
    },

    async deny(ctx: Context, _uid: string) {
      await finish(ctx, { error: 'access_denied', error_description: 'the person denied the request' }, false)
    },

    async signedIn(ctx: Context) {
      const present = await session(ctx)
      const user = present.accountId && (await findPerson(services, present.accountId))
      if (!user || !isCurrentSession(user, present.loginTs)) return undefined
      return { userId: user.id, sessionId: present.uid }
    },

    /** Always under a new session id, so that nobody can have planted it (session fixation). */
    async signIn(ctx: Context, login: { userId: string; amr: readonly string[] }) {
      const present = await session(ctx)
      const other = present.accountId !== undefined && present.accountId !== login.userId
      if (other) await tellClients(present)
      if (present.accountId) await present.destroy()
      const { Session } = engine()
      const begun = new Session()
      if (!other) begun.authorizations = present.authorizations
      const { ts: loginTs, ...details } = await loginOf(login)
      begun.loginAccount({ ...details, loginTs })
      await begun.save(SESSION_TTL)
      const expires = new Date(Date.now() + SESSION_TTL * 1000)
      cookiesOf(ctx).set(engine().cookieName('session'), begun.jti, { ...cookie, expires })
    },

    async signOut(ctx: Context) {
      const present = await session(ctx)
      if (!present.accountId) return
      await tellClients(present)
      await present.destroy()
      cookiesOf(ctx).set(engine().cookieName('session'), null, cookie)
    },
  }
}
