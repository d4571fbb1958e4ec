import type { Knex } from 'knex'
import { type Credentials, lockCredentials } from '../accounts/credentials.ts'
import { networkBudget, refundAttempts, takeAttempts } from '../accounts/sign-in-limits.ts'
import type { SignInProgress } from '../accounts/sign-in-progress.ts'
import { recordFirstFactor, recordSignIn } from '../accounts/sign-in-record.ts'
import { isMultiFactor, type SignInElsewhere } from '../accounts/sign-in-tickets.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { findProviderOfEmail, findRoutes } from './email-domains.ts'
import { unsealUpstreamSecret } from './identity-provider-secrets.ts'
import { findIdentityProvider, type IdentityProvider, listOfferedProviders } from './identity-providers.ts'
import { createOwnIdentities } from './own-identities.ts'
import { authenticationIn, type Claims, subjectIn, type UpstreamAuthentication, usernameIn } from './upstream-claims.ts'
import { type UpstreamClient, UpstreamError, type UpstreamProvider } from './upstream-client.ts'
import { createUpstreamLinking } from './upstream-linking.ts'
import { createUpstreamLinks } from './upstream-links.ts'
import { redirectUriOf } from './upstream-redirect-uris.ts'
import type {
  ProviderOffers,
  UpstreamFailure,
  UpstreamRefusal,
  UpstreamRequest,
  UpstreamResponse,
  UpstreamResult,
} from './upstream-results.ts'
import { sessionIdentityOf } from './upstream-sessions.ts'
import { createUpstreamStates, type UpstreamState, type UpstreamTarget } from './upstream-state.ts'
import { maySignInBy, resolveNewcomer } from './upstream-users.ts'
import { findIdentity, type KnownIdentity, recordIdentityUse } from './user-identities.ts'

export interface UpstreamServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  /** The database's. */
  readonly clock: Clock
  readonly progress: SignInProgress
  readonly client: UpstreamClient
  /** The issuer identifier, a URL. */
  readonly issuerUrl: string
  readonly log: Log
}

/** `username`: what the provider calls the user. */
type ProvedIdentity = KnownIdentity & { readonly username?: string | undefined; readonly idToken: string }

type Loaded = UpstreamProvider & { readonly provider: IdentityProvider; readonly key: string }

/** Milliseconds by which clocks may differ. */
const TOLERANCE = 60_000

/** Sign-in through OpenID providers. */
export function createUpstreamSignIn(services: UpstreamServices) {
  const { knex, encryptionKeys, clock, progress, client, issuerUrl, log } = services
  const states = createUpstreamStates(encryptionKeys, clock)
  const links = createUpstreamLinks(encryptionKeys, clock)

  /** The provider with its client secret. Undefined: it is unknown or disabled. */
  async function load(providerId: string): Promise<Loaded | undefined> {
    const found = await findIdentityProvider(knex, providerId)
    if (found?.provider.status !== 'enabled') return undefined
    const clientSecret = unsealUpstreamSecret(encryptionKeys, providerId, found.sealedSecret)
    return { provider: found.provider, clientSecret, key: `${providerId} ${found.provider.revision}` }
  }

  /** Seconds after which a session ends in any case, and so the oldest authentication that can begin one. */
  async function longestSession(): Promise<number> {
    return (await knex('instance_settings').first('session_lifetime')).session_lifetime
  }

  async function begin({ providerId, boundTo, target, loginHint }: UpstreamRequest): Promise<URL | UpstreamRefusal> {
    const loaded = await load(providerId)
    if (!loaded) return { failure: 'disabled' }
    const state = states.issue(providerId, boundTo, target)
    const { trustsSecondFactor, trustedAcr } = loaded.provider
    try {
      return await client.authorizationUrl(loaded.key, loaded, state, {
        redirectUri: redirectUriOf(issuerUrl, providerId),
        loginHint,
        maxAge: Math.min(target.maxAge ?? Number.POSITIVE_INFINITY, await longestSession()),
        acrValues: target.demandsSecondFactor && trustsSecondFactor ? trustedAcr : [],
      })
    } catch (error) {
      return { failure: problemOf(loaded.provider, error), providerName: loaded.provider.name }
    }
  }

  /** Whether the provider authenticated the user as recently as was requested. */
  async function isFresh(
    { authenticatedAt }: UpstreamAuthentication,
    { target: { maxAge }, begunAt }: UpstreamState,
  ): Promise<boolean> {
    if (maxAge !== undefined && (authenticatedAt ?? 0) < begunAt - maxAge * 1000 - TOLERANCE) return false
    return authenticatedAt === undefined || authenticatedAt > clock.now() - (await longestSession()) * 1000
  }

  function problemOf({ id, issuer }: IdentityProvider, error: unknown): UpstreamFailure {
    if (!(error instanceof UpstreamError)) throw error
    log.warn({ identityProvider: id, issuer, problem: error.problem, detail: error.message }, 'upstream sign-in failed')
    return error.problem
  }

  /** The user as they are now that they are let in. Undefined: they may not sign in, or not by this identity (any more). */
  async function completeSignIn(
    provider: IdentityProvider,
    identity: ProvedIdentity,
    amr: readonly string[],
    response: UpstreamResponse,
  ): Promise<{ person: Credentials; identityEpoch: number } | undefined> {
    return await knex.transaction(async (trx) => {
      const locked = await lockCredentials(trx, identity.userId)
      if (!locked || !(await maySignInBy(trx, provider, locked))) return undefined
      if (locked.user.role === 'operator' && !identity.isConfirmed) return undefined
      const identityEpoch = await recordIdentityUse(trx, identity.id, identity.username)
      if (identityEpoch === undefined) return undefined
      const isNewBrowser = progress.browsers.recognise(response.browser, locked) === undefined
      const person = { ...locked, passwordChangeRequired: false }
      const origin = { ...response, isNewBrowser }
      if (person.hasSecondFactor && !isMultiFactor(amr)) await recordFirstFactor(trx, person, origin)
      else await recordSignIn(trx, person, origin, { identity_provider: provider.id })
      return { person, identityEpoch }
    })
  }

  async function signIn(
    { provider }: Loaded,
    identity: ProvedIdentity,
    { amr, sid, ...stated }: UpstreamAuthentication,
    state: UpstreamState,
    response: UpstreamResponse,
  ): Promise<UpstreamResult> {
    const { target } = state
    if (target.confirms !== undefined && target.confirms !== identity.userId)
      return refused('other_user', provider, target)
    const completed = await completeSignIn(provider, identity, amr, response)
    if (!completed) return refused('inactive', provider, target)
    const { person, identityEpoch } = completed
    const elsewhere: SignInElsewhere = {
      ...stated,
      identity: sessionIdentityOf(provider, { id: identity.id, identityEpoch }, { sid, idToken: identity.idToken }),
      ...(provider.accountId !== null && { account: { id: provider.accountId, isFixed: true } }),
    }
    const known = progress.browsers.recognise(response.browser, person)
    const { demandsSecondFactor } = target
    return {
      outcome: 'continue',
      step: progress.next(person, { amr, demandsSecondFactor, elsewhere }, known?.token),
      target,
    }
  }

  const failed = (failure: UpstreamFailure, { name }: IdentityProvider, target: UpstreamTarget) =>
    ({ outcome: 'failed', failure, providerName: name, target }) as const

  /** @param detail only for the log */
  function refused(failure: UpstreamFailure, provider: IdentityProvider, target: UpstreamTarget, detail?: string) {
    const { id, issuer } = provider
    log.info({ identityProvider: id, issuer, problem: failure, detail }, 'upstream sign-in failed')
    return failed(failure, provider, target)
  }

  /** The claims with those of userinfo, where the ID token lacks one that decides who a newcomer is. */
  async function claimsOfNewcomer(
    { accountClaim, roleClaim }: IdentityProvider,
    claims: Claims,
    withUserinfo: () => Promise<Claims>,
  ): Promise<Claims> {
    const needed = ['email', 'email_verified', accountClaim, roleClaim].filter((name) => name !== null)
    return needed.every((name) => name in claims) ? claims : await withUserinfo()
  }

  async function complete(
    loaded: Loaded,
    state: UpstreamState,
    response: UpstreamResponse,
    once: (id: string, expiresAt: Date) => Promise<boolean>,
  ): Promise<UpstreamResult> {
    const { provider } = loaded
    const { target } = state
    const url = new URL(redirectUriOf(issuerUrl, provider.id))
    url.search = response.parameters.toString()
    const { claims, idToken, withUserinfo } = await client.redeem(loaded.key, loaded, state, url)
    if (!(await once(`upstream ${state.id}`, new Date(state.expiresAt)))) return refused('expired', provider, target)
    const subject = subjectIn(claims)
    if (subject === undefined) return refused('invalid', provider, target, 'the claim sub is not valid')
    const authentication = authenticationIn(claims, provider)
    if (!(await isFresh(authentication, state))) return refused('not_fresh', provider, target)
    const known = await findIdentity(knex, provider.id, subject)
    const username = usernameIn(claims)
    const link = { providerId: provider.id, subject, username, browser: response.boundTo }
    if (target.connects !== undefined) {
      if (known) return failed(known.userId === target.connects ? 'connected' : 'connected_elsewhere', provider, target)
      return { outcome: 'connect', ticket: links.issue({ ...link, userId: target.connects }), target }
    }
    if (known) return await signIn(loaded, { ...known, username, idToken }, authentication, state, response)
    const all = await claimsOfNewcomer(provider, claims, withUserinfo)
    const found = await resolveNewcomer(knex, { provider, subject, username, claims: all, origin: response })
    if (found.outcome === 'unknown') return refused('unknown', provider, target, found.detail)
    if (found.outcome === 'linked')
      return await signIn(
        loaded,
        { id: found.identityId, userId: found.userId, isConfirmed: false, idToken },
        authentication,
        state,
        response,
      )
    return { outcome: 'link', ticket: links.issue(link), providerName: provider.name, email: found.email, target }
  }

  return {
    ...createUpstreamLinking(knex, links),

    own: createOwnIdentities(knex),

    /** The providers that the sign-in page has a button for, and whether it finds others by an email address. */
    async offers(): Promise<ProviderOffers> {
      const [providers, routes] = await Promise.all([listOfferedProviders(knex), findRoutes(knex)])
      return { providers, ...routes }
    },

    /** The provider for the domain of an address. Undefined: none, whether or not a user has the address. */
    providerOf: (email: string) => findProviderOfEmail(knex, email),

    begin,

    /** What the state of a response says, without using it. Undefined: it does not belong to this browser and provider. */
    stateOf: ({ providerId, parameters, boundTo }: Pick<UpstreamResponse, 'providerId' | 'parameters' | 'boundTo'>) =>
      states.open(parameters.get('state') ?? '', { providerId, browser: boundTo }),

    /** @param once uses an ID once, on all nodes */
    async finish(
      response: UpstreamResponse,
      once: (id: string, expiresAt: Date) => Promise<boolean>,
    ): Promise<UpstreamResult> {
      const { providerId, boundTo, parameters } = response
      const state = states.open(parameters.get('state') ?? '', { providerId, browser: boundTo })
      if (!state) return { outcome: 'failed', failure: 'expired' }
      const loaded = await load(providerId)
      if (!loaded) return { outcome: 'failed', failure: 'disabled', target: state.target }
      const budgets = [networkBudget(response.ip)]
      const slowed = await takeAttempts(knex, budgets)
      if (slowed) return { ...failed('slow_down', loaded.provider, state.target), retryAfter: slowed.retryAfter }
      try {
        const result = await complete(loaded, state, response, once)
        if (result.outcome !== 'failed') await refundAttempts(knex, budgets)
        return result
      } catch (error) {
        return failed(problemOf(loaded.provider, error), loaded.provider, state.target)
      }
    },
  }
}

export type UpstreamSignIn = ReturnType<typeof createUpstreamSignIn>
