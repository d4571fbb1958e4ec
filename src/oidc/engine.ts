import type Provider from 'oidc-provider'
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { GRANTS, responseTypesOf } from '../clients/grant-types.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { CLIENT_ASSERTION_ALGS, DPOP_ALGS } from '../shared/algorithms.ts'
import { epochSeconds } from '../shared/clock.ts'
import { selectApi } from '../tokens/planned-token.ts'
import { useAccessTokenStore } from './access-tokens.ts'
import { EngineModelAdapter } from './adapter.ts'
import { ANONYMOUS_SESSION_TTL, chargeProof, INTERACTION_TTL } from './anonymous-storage.ts'
import { ACR_VALUES } from './authentication-context.ts'
import { checkAuthorizationRequest } from './authorization-checks.ts'
import { isOriginOfClient } from './client-origins.ts'
import { useCodes } from './code-redemption.ts'
import { createDpopNonces, nonceSecret, offersNonce, requiresNonce } from './dpop-nonces.ts'
import { findAccount } from './engine-accounts.ts'
import { useRegistrations } from './engine-clients.ts'
import { type UserAccount, useConsents } from './engine-consents.ts'
import { toEngineError } from './engine-errors.ts'
import { loadGrant } from './engine-grants.ts'
import { expectProofsAt, recordProofsBy, useNonces } from './engine-internals.ts'
import { pageFeatures, showError } from './engine-pages.ts'
import { engineWithResponseModes } from './engine-response-modes.ts'
import { recordProofUse } from './engine-rows.ts'
import { renewOnlyPresentSessions, saveNewSessions, useSessions } from './engine-sessions.ts'
import { useGrantHandlers } from './grant-handlers.ts'
import { useIdTokens } from './id-tokens.ts'
import { createPolicy } from './interaction-policy.ts'
import type { OidcServices } from './oidc-services.ts'
import { provenOrigin } from './proven-key.ts'
import { clientOf, type OidcContext, registrationOf } from './request-state.ts'
import { RESPONSE_MODES, rememberSignOut } from './response-redirects.ts'
import { type SessionTimes, sessionTtl } from './session-lifetimes.ts'

/**
 * Seconds by which the time of a DPoP proof may differ, as in the engine. It remembers a proof for so long after its use, but one that is
 * dated ahead is valid for longer.
 */
const PROOF_WINDOW = 300

/** Symmetric algorithms need the client secret; only its hash is stored. */
const ASYMMETRIC = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

function apiFor(ctx: KoaContextWithOIDC, services: OidcServices, resource: string | undefined) {
  const client = clientOf(ctx as unknown as OidcContext, services.authenticator, ctx.oidc.client!)
  try {
    return selectApi(client.registration, resource)
  } catch (error) {
    throw toEngineError(error)
  }
}

/** Cookies of `issuerUrl`; on https with a prefix that no other host can set (RFC 6265bis, section 4.1.3.2). */
function cookiesFor(issuerUrl: string): Configuration['cookies'] {
  const session = issuerUrl.startsWith('https:') ? '__Host-kw_session' : 'kw_session'
  return {
    names: { session, interaction: 'kw_interaction', resume: 'kw_resume' },
    long: { httpOnly: true, sameSite: 'lax' },
    short: { httpOnly: true, sameSite: 'lax' },
  }
}

/**
 * OpenID Connect Core, section 5.4; the ID token also holds how and when the user signed in, and userinfo the account of the access
 * token.
 */
const CLAIMS = {
  openid: ['sub', 'auth_time', 'acr', 'amr', 'account_id'],
  profile: ['name', 'locale', 'updated_at'],
  // `preferred_username` is the email address, by which users sign in.
  email: ['email', 'email_verified', 'preferred_username'],
}

/** The configuration for users: sign-in, consent, sessions. */
function userConfiguration(services: OidcServices): Configuration {
  const { issuerUrl } = services
  return {
    scopes: [...IDENTITY_SCOPES],
    claims: CLAIMS,
    cookies: cookiesFor(issuerUrl()),
    acrValues: [...ACR_VALUES],
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}`, policy: createPolicy() },
    findAccount: (ctx, userId, token) => findAccount(ctx, userId, services, token === undefined),
    loadExistingGrant: (ctx) => loadGrant(ctx, services),
    // A consent lasts until it is withdrawn, not until the user signs out.
    expiresWithSession: () => false,
    revokeGrantPolicy: () => false,
    // The access token's transaction issues the refresh token.
    issueRefreshToken: () => false,
    pkce: {
      required: (_ctx, client) => {
        const { isPublic, pkceRequired } = registrationOf(client)
        return isPublic || pkceRequired
      },
    },
    // The engine has no other hook that sees the whole request.
    extraParams: {
      account_id: null,
      account_selection: null,
      audience: checkAuthorizationRequest,
    },
    fetch: (url, options) => services.outgoing.fetch(url as URL, options as RequestInit),
    clientBasedCORS: (_ctx, origin, client) => isOriginOfClient(origin, registrationOf(client).redirectUris),
  }
}

/** Seconds for which a session is stored. One that the request does not use as its user's is stored for an interaction. */
function sessionTtlOf({ oidc }: KoaContextWithOIDC, session: SessionTimes & { readonly accountId?: string }): number {
  if (!session.accountId) return ANONYMOUS_SESSION_TTL
  const { user } = (oidc.account ?? {}) as Partial<UserAccount>
  if (user?.id === session.accountId) return sessionTtl(user.sessionLifetimes, session)
  return Math.max(INTERACTION_TTL, (session.exp ?? 0) - epochSeconds())
}

function configurationFor(ring: KeyRing, services: OidcServices): Configuration {
  const { database, encryptionKeys } = services
  return {
    ...userConfiguration(services),
    adapter: (model: string) => new EngineModelAdapter(database.knex, encryptionKeys, model, database.reader),
    jwks: { keys: ring.keys.flatMap((key) => key.secret?.jwk ?? []) } as Configuration['jwks'],
    // For the discovery document: `authenticateClient` authenticates clients.
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    responseTypes: responseTypesOf(GRANTS),
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      introspection: '/oauth2/introspect',
      revocation: '/oauth2/revoke',
      userinfo: '/oauth2/userinfo',
      jwks: '/oauth2/jwks',
      pushed_authorization_request: '/oauth2/par',
      device_authorization: '/oauth2/device',
      code_verification: '/device',
      registration: '/oauth2/register',
      end_session: '/oauth2/logout',
    },
    enabledJWA: {
      clientAuthSigningAlgValues: [...CLIENT_ASSERTION_ALGS],
      idTokenSigningAlgValues: [...ASYMMETRIC],
      requestObjectSigningAlgValues: [...ASYMMETRIC],
      userinfoSigningAlgValues: [...ASYMMETRIC],
      introspectionSigningAlgValues: [...ASYMMETRIC],
      authorizationSigningAlgValues: [...ASYMMETRIC],
      dPoPSigningAlgValues: [...DPOP_ALGS],
    },
    features: {
      devInteractions: { enabled: false },
      ...pageFeatures(services),
      userinfo: { enabled: true },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      jwtResponseModes: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: nonceSecret(encryptionKeys),
        requireNonce: (ctx) => requiresNonce(ctx as unknown as OidcContext),
      },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (ctx, client, token) => mayRevoke(ctx, client, token) },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: (ctx) => apiFor(ctx, services, undefined).identifier,
        getResourceServerInfo: (ctx, resource) => {
          const api = apiFor(ctx, services, resource)
          return {
            scope: api.scopes.join(' '),
            audience: api.identifier,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: api.signingAlg } },
          }
        },
      },
    },
    // The access-token store decides the lifetimes of access and refresh tokens.
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      RefreshToken: 2_592_000,
      AuthorizationCode: 60,
      DeviceCode: 600,
      IdToken: 3600,
      Interaction: INTERACTION_TTL,
      Session: sessionTtlOf,
    },
    clientDefaults: { id_token_signed_response_alg: 'RS256' },
    renderError: (ctx, out) => showError(ctx as never, out, services),
  }
}

/** Refuses to revoke a token of another client (RFC 7009, section 2.1). */
function mayRevoke(_ctx: KoaContextWithOIDC, client: { clientId: string }, token: { clientId?: string }): boolean {
  if (token.clientId === client.clientId) return true
  throw new errors.InvalidRequest('the token was issued to another client')
}

/** The engine with our clients, access-token store and refresh tokens, for one state of the key ring. */
export function createEngine(issuerUrl: string, ring: KeyRing, services: OidcServices): Provider {
  const Engine = engineWithResponseModes(RESPONSE_MODES, {
    isRequired: (client) => registrationOf(client).signedResponsesRequired,
    followKeys: () => services.keyRings.follow(),
  })
  const provider = new Engine(issuerUrl, configurationFor(ring, services))
  useRegistrations(provider, services)
  useConsents(provider, services)
  useSessions(provider)
  saveNewSessions(provider)
  renewOnlyPresentSessions(provider, services.database.knex)
  useIdTokens(provider)
  rememberSignOut(provider)
  useAccessTokenStore(provider, services)
  useGrantHandlers(provider, services)
  useCodes(provider, services)
  useNonces(provider, createDpopNonces(services.encryptionKeys), offersNonce)
  expectProofsAt(provider, (ctx) => provenOrigin(services, ctx))
  recordProofsBy(provider, async (clientId, jti, expiresAt) => {
    await chargeProof(services.database.knex)
    if (await recordProofUse(services.database.knex, clientId, jti, expiresAt + PROOF_WINDOW)) return
    throw new errors.InvalidDpopProof('the DPoP proof was used before')
  })
  return provider
}
