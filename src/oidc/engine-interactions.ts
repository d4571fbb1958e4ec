import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import type { Registration } from '../clients/registration.ts'
import { grantConsent, type Permissions } from '../consents/consents.ts'
import { epochSeconds } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { AccountChoice } from './account-choice.ts'
import { findWaitingClient } from './authorizing-clients.ts'
import { createBrowserSessions, type Login } from './browser-sessions.ts'
import { createConsoleSessions } from './console-sessions.ts'
import { onThisSite } from './engine-pages.ts'
import { recordOnce } from './engine-rows.ts'
import type { OidcServices } from './oidc-services.ts'

type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>

interface Missing {
  readonly missingOIDCScope?: string[]
  readonly missingOIDCClaims?: string[]
  readonly missingResourceScopes?: Record<string, string[]>
  readonly asked?: Permissions
  readonly secondFactor?: boolean
  readonly choice?: AccountChoice
  /** Null: an operator, who acts for no account. */
  readonly actingFor?: string | null
  /** Of the account, where the user has several. */
  readonly actingName?: string | null
}

/** Whether plain OAuth issues a refresh token, for which it has no scope. The consent page says so. */
function getsOfflineAccess({ params }: EngineInteraction, { grants, refreshTokens }: Registration): boolean {
  const isPlain = !String(params.scope).split(' ').includes('openid')
  return isPlain && grants.includes(REFRESH_TOKEN_GRANT) && refreshTokens === 'always'
}

/** The permissions that the consent page asks for: those not allowed yet, or all where `prompt` requires the page. */
function wantedOf(details: EngineInteraction, registration: Registration): Permissions {
  const wanted = askedFor(details)
  if (!getsOfflineAccess(details, registration)) return wanted
  return { ...wanted, identityScopes: [...new Set([...wanted.identityScopes, 'offline_access'])] }
}

function askedFor({ prompt }: EngineInteraction): Permissions {
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes, asked } = prompt.details as Missing
  const isNew = missingOIDCScope || missingOIDCClaims || missingResourceScopes
  if (!isNew && asked) return asked
  return {
    identityScopes: missingOIDCScope ?? [],
    claims: missingOIDCClaims ?? [],
    apis: missingResourceScopes ?? {},
  }
}

/** Reasons to sign in again that are not about who the user is. */
const ABOUT_THE_SIGN_IN = ['login_prompt', 'max_age', 'second_factor', 'essential_acr', 'essential_acrs']

/** Whether the signed-in user must sign in again, and the request does not name another user. */
const isReauthentication = ({ prompt }: EngineInteraction): boolean =>
  prompt.reasons.length > 0 && prompt.reasons.every((reason) => ABOUT_THE_SIGN_IN.includes(reason))

function accountOf({ prompt }: EngineInteraction) {
  const { choice, actingName } = prompt.details as Missing
  return { ...(choice && { accountChoice: choice }), ...(actingName && { accountName: actingName }) }
}

const toInteraction = (details: EngineInteraction, registration: Registration) => ({
  uid: details.uid,
  prompt: details.prompt.name as 'login' | 'consent',
  clientId: String(details.params.client_id),
  ...(!details.deviceCode && { redirectUri: String(details.params.redirect_uri) }),
  ...(details.session && { userId: details.session.accountId }),
  ...(typeof details.params.login_hint === 'string' && { loginHint: details.params.login_hint }),
  ...(typeof details.params.ui_locales === 'string' && { uiLocales: details.params.ui_locales }),
  ...(typeof details.params.acr_values === 'string' && { acrValues: details.params.acr_values }),
  // The engine has checked that it is a number, and keeps it as text where it came as text.
  ...(details.params.max_age !== undefined && { maxAge: Number(details.params.max_age) }),
  isForced: String(details.params.prompt ?? '')
    .split(' ')
    .includes('login'),
  isReauthentication: isReauthentication(details),
  demandsSecondFactor: (details.prompt.details as Missing).secondFactor === true,
  wanted: wantedOf(details, registration),
  ...accountOf(details),
})

const interactionExpired = () => new KeywrightError('invalid_grant', 'the sign-in has expired')

type SignedIn = NonNullable<Awaited<ReturnType<ReturnType<typeof createBrowserSessions>['user']>>>

/** The account for which the user allows what is wanted; null: an operator. @throws KeywrightError `invalid_grant` */
function actingAccountOf({ prompt }: EngineInteraction, user: SignedIn, chosen: string | undefined): string | null {
  const { choice, actingFor = user.accountId } = prompt.details as Missing
  const accountId = choice ? choice.accounts.find((one) => one.accountId === chosen)?.accountId : actingFor
  if (accountId === undefined || (user.isAccountFixed && accountId !== user.accountId)) throw interactionExpired()
  return accountId
}

/** What the pages do with interactions, and with the session of the browser. */
export function createSignInFlow(engine: () => Provider, services: OidcServices) {
  const { knex } = services.database
  const sessions = createBrowserSessions(engine, services)

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

  return {
    async find(ctx: Context, uid: string) {
      const found = await details(ctx, uid)
      const registration = found && (await findWaitingClient(services, String(found.params.client_id)))
      return registration && toInteraction(found!, registration)
    },

    async finishLogin(ctx: Context, _uid: string, login: Login) {
      await finish(ctx, { login: await sessions.engineLogin(ctx, login) }, false)
    },

    /**
     * Records the consent of the signed-in user, or where only the account had to be chosen, that choice. A session that has expired
     * meanwhile allows nothing. @param chosen the account, where the interaction has a choice
     */
    async allow(ctx: Context, uid: string, chosen?: string) {
      const found = await details(ctx, uid)
      const user = await sessions.user(ctx)
      const registration = found && (await services.registrations.fresh(String(found.params.client_id)))
      if (!found || !registration || found.session?.accountId !== user?.id || !user) throw interactionExpired()
      const actor = { type: 'user', id: user.id, ip: ctx.ip, requestId: ctx.state.requestId } as const
      const { choice } = found.prompt.details as Missing
      const accountId = actingAccountOf(found, user, chosen)
      const parties = { userId: user.id, accountId, clientKey: registration.key, since: user.sessionsValidFrom }
      if (!choice?.isAlone) await grantConsent(knex, parties, wantedOf(found, registration), actor)
      const result = {
        ...(!choice?.isAlone && { consent: {} }),
        ...(accountId !== null && { actingFor: { id: accountId } }),
      }
      await finish(ctx, result, true)
    },

    async deny(ctx: Context, _uid: string) {
      await finish(ctx, { error: 'access_denied', error_description: 'the user denied the request' }, false)
    },

    async reject(ctx: Context, _uid: string, error: string, description = 'the sign-in was rejected') {
      await finish(ctx, { error, error_description: description }, false)
    },

    once: (id: string, expiresAt: Date) => recordOnce(knex, `sign-in ticket ${id}`, epochSeconds(expiresAt)),

    consoleSessions: createConsoleSessions(engine, services),

    signedIn: sessions.user,
    signIn: sessions.begin,
    signOut: sessions.end,
    endSession: sessions.endOne,
    endOtherSessions: sessions.endOthers,
  }
}
