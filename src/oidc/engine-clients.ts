import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type Provider from 'oidc-provider'
import { type ClientMetadata, errors } from 'oidc-provider'
import { isClientIdUrl } from '../clients/client-id-urls.ts'
import { actsFor, REFRESH_TOKEN_GRANT, responseTypesOf } from '../clients/grant-types.ts'
import type { Registration } from '../clients/registration.ts'
import { findAuthorizingClient } from './authorizing-clients.ts'
import { findAccount } from './engine-accounts.ts'
import {
  acceptRegisteredRedirectUris,
  createEngineClient,
  type EngineClient,
  type EngineContext,
  engineContext,
  overrideClients,
} from './engine-internals.ts'
import type { OidcServices } from './oidc-services.ts'
import { bindRegistration, registrationOf } from './request-state.ts'

/** The engine requires a client secret. Nobody knows this one, and nothing is compared with it. */
const PLACEHOLDER_SECRET = randomBytes(32).toString('base64url')

function grantsOf({ grants, clientCredentialsRefresh }: Registration): string[] {
  return [...new Set(clientCredentialsRefresh ? [...grants, REFRESH_TOKEN_GRANT] : grants)]
}

function metadataOf(registration: Registration): ClientMetadata {
  return {
    client_id: registration.clientId,
    client_name: registration.name,
    grant_types: grantsOf(registration),
    redirect_uris: [...registration.redirectUris],
    response_types: responseTypesOf(registration.grants),
    post_logout_redirect_uris: [...registration.postLogoutRedirectUris],
    ...(registration.backchannelLogoutUri && {
      backchannel_logout_uri: registration.backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
    id_token_signed_response_alg: registration.idTokenAlg,
    authorization_signed_response_alg: registration.idTokenAlg,
    require_pushed_authorization_requests: registration.parRequired,
    ...(registration.isPublic
      ? { token_endpoint_auth_method: 'none' }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: PLACEHOLDER_SECRET }),
    // A loopback redirect URI matches any port (RFC 8252, section 7.3), whatever other redirect URIs the client has.
    application_type: 'native',
  }
}

/** Machine clients differ in little but their ID, so few shapes occur. */
const MAX_SHAPES = 10_000

/** A client without users. Other clients use private members of the engine's class, which cannot be inherited. */
const isMachine = ({ grants, redirectUris, postLogoutRedirectUris }: Registration): boolean =>
  !actsFor('user', grants) && redirectUris.length + postLogoutRedirectUris.length === 0

/** The engine's own methods use private members, which cannot be inherited. A machine client has no redirect URIs. */
const NO_REDIRECT_URIS = { redirectUriAllowed: () => false, postLogoutRedirectUriAllowed: () => false }

/**
 * Maps registrations to engine clients. The engine's client schema takes some 100 microseconds, so machine clients inherit
 * from one client of their shape.
 */
function createEngineClients(provider: Provider) {
  const shapes = new LRUCache<string, EngineClient>({ max: MAX_SHAPES })
  const clients = new WeakMap<Registration, EngineClient>()

  function shapeOf(registration: Registration): EngineClient {
    const metadata = metadataOf({ ...registration, clientId: 'shape', name: 'shape' })
    const key = JSON.stringify(metadata)
    const shape = shapes.get(key) ?? createEngineClient(provider, metadata)
    shapes.set(key, shape)
    return shape
  }

  function make(registration: Registration): EngineClient {
    if (!isMachine(registration)) return createEngineClient(provider, metadataOf(registration))
    const client = Object.create(shapeOf(registration)) as EngineClient
    return Object.assign(client, {
      clientId: registration.clientId,
      clientName: registration.name,
      ...NO_REDIRECT_URIS,
    })
  }

  return (registration: Registration): EngineClient => {
    let client = clients.get(registration)
    if (!client) {
      client = make(registration)
      bindRegistration(client, registration)
      clients.set(registration, client)
    }
    return client
  }
}

/** The routes at which a client is first seen, whose ID may be a URL. Elsewhere it is stored already. */
const AUTHORIZATION = ['authorization', 'resume']

const isAuthorization = (ctx: EngineContext | undefined): ctx is EngineContext =>
  AUTHORIZATION.includes(ctx?.oidc.route ?? '')

/** Whether the request has a session that is valid, or has just signed a user in. */
async function isSignedIn(services: OidcServices, ctx: EngineContext): Promise<boolean> {
  const userId = ctx.oidc.session?.accountId
  return userId !== undefined && (await findAccount(ctx, userId, services, true)) !== undefined
}

/** The client that the request authenticated as; any other one as its registration is now. */
async function findRegistration(services: OidcServices, id: unknown): Promise<Registration | undefined> {
  // The client ID of an ID token hint is not checked when the request is read.
  if (typeof id !== 'string' || id.length === 0 || id.length > 200 || id.includes('\0')) return undefined
  // There is no context during sign-outs, which look clients up outside of the engine's middleware.
  const ctx = engineContext()
  const { registration } = ctx?.state.client ?? {}
  if (registration?.clientId === id) return registration
  if (isClientIdUrl(id) && isAuthorization(ctx))
    return await findAuthorizingClient(services, ctx, id, await isSignedIn(services, ctx))
  return await services.registrations.fresh(id)
}

/** `authenticateClient` has checked the secret before the engine is called. */
function isAuthenticated(client: EngineClient): boolean {
  const authenticated = engineContext()?.state.client
  return authenticated?.authentication != null && authenticated.registration === registrationOf(client)
}

function responseTypeAllowed(client: EngineClient): boolean {
  if (responseTypesOf(registrationOf(client).grants).length > 0) return true
  throw new errors.UnauthorizedClient('the client is not registered for authorization codes')
}

function grantTypeAllowed(client: EngineClient, type: string): boolean {
  if (grantsOf(registrationOf(client)).includes(type)) return true
  if (engineContext()!.oidc.route !== 'token') return false
  throw new errors.UnauthorizedClient('the client is not registered for this grant type')
}

/** Makes the engine find its clients in the registrations, and accept the client authentication of the endpoint. */
export function useRegistrations(provider: Provider, services: OidcServices): void {
  acceptRegisteredRedirectUris(provider)
  const toEngineClient = createEngineClients(provider)
  overrideClients(provider, {
    async find(id) {
      const registration = await findRegistration(services, id)
      return registration && toEngineClient(registration)
    },
    compareClientSecret: async (client) => isAuthenticated(client),
    responseTypeAllowed,
    grantTypeAllowed,
  })
}
