import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type Provider from 'oidc-provider'
import { type ClientMetadata, errors } from 'oidc-provider'
import type { Registration } from '../clients/registrations.ts'
import type { OidcServices } from './oidc-services.ts'
import { bindRegistration, type OidcContext, registrationOf } from './request-state.ts'

type EngineClient = InstanceType<Provider['Client']>

/** The engine wants a secret to exist; nobody knows this one, and nothing is ever compared with it. */
const PLACEHOLDER_SECRET = randomBytes(32).toString('base64url')

function grantTypesOf(registration: Registration): string[] {
  const refresh = registration.clientCredentialsRefresh && !registration.grants.includes('refresh_token')
  return refresh ? [...registration.grants, 'refresh_token'] : [...registration.grants]
}

function metadataOf(registration: Registration): ClientMetadata {
  return {
    client_id: registration.clientId,
    client_name: registration.name,
    grant_types: grantTypesOf(registration),
    redirect_uris: [...registration.redirectUris],
    response_types: registration.grants.includes('authorization_code') ? ['code'] : [],
    post_logout_redirect_uris: [...registration.postLogoutRedirectUris],
    ...(registration.backchannelLogoutUri && {
      backchannel_logout_uri: registration.backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
    id_token_signed_response_alg: registration.idTokenAlg,
    ...(registration.isPublic
      ? { token_endpoint_auth_method: 'none' }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: PLACEHOLDER_SECRET }),
    // Lets a loopback address have any port (RFC 8252, section 7.3), whatever other addresses there are beside it.
    application_type: 'native',
  }
}

/** Machine clients differ in little but their id: so many shapes are remembered, and few are ever seen. */
const MAX_SHAPES = 10_000

/** Only machines come often enough to share; what the engine does for people needs parts that cannot be inherited. */
const isMachine = ({ grants, redirectUris, postLogoutRedirectUris }: Registration): boolean =>
  grants.every((grant) => grant === 'client_credentials' || grant === 'refresh_token') &&
  redirectUris.length + postLogoutRedirectUris.length === 0

/** What a machine says for itself, because the engine's own answers cannot be inherited: nobody is sent to it. */
const NO_WAY_BACK = { redirectUriAllowed: () => false, postLogoutRedirectUriAllowed: () => false }

/**
 * Engine clients for registrations. Making one runs the engine's whole schema, some 100 microseconds, so machines of one
 * shape share what does not differ and inherit it.
 */
function createEngineClients(provider: Provider) {
  const EngineClientClass = provider.Client as unknown as new (metadata: ClientMetadata) => EngineClient
  const shapes = new LRUCache<string, EngineClient>({ max: MAX_SHAPES })
  const clients = new WeakMap<Registration, EngineClient>()

  function shapeOf(registration: Registration): EngineClient {
    const metadata = metadataOf({ ...registration, clientId: 'shape', name: 'shape' })
    const key = JSON.stringify(metadata)
    const shape = shapes.get(key) ?? new EngineClientClass(metadata)
    shapes.set(key, shape)
    return shape
  }

  function make(registration: Registration): EngineClient {
    if (!isMachine(registration)) return new EngineClientClass(metadataOf(registration))
    const client = Object.create(shapeOf(registration)) as EngineClient
    return Object.assign(client, { clientId: registration.clientId, clientName: registration.name, ...NO_WAY_BACK })
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

/** Addresses were judged when they were registered; the engine's rules are others, and would make a client unusable. */
function trustAddresses(provider: Provider): void {
  const { Schema } = provider.Client as unknown as { Schema: { prototype: object } }
  Object.assign(Schema.prototype, { redirectUris: () => {}, postLogoutRedirectUris: () => {} })
}

/** The client that the request authenticated as; any other one as its registration is now. */
async function findRegistration({ registrations }: OidcServices, ctx: OidcContext | undefined, id: unknown) {
  // The client ID of an ID token hint is not checked when the request is read.
  if (typeof id !== 'string' || id.length === 0 || id.length > 200 || id.includes('\0')) return undefined
  const { registration } = ctx?.state.client ?? {}
  return registration?.clientId === id ? registration : await registrations.fresh(id)
}

/** Makes the engine find its clients in the registrations, and accept the client authentication of the endpoint. */
export function useRegistrations(provider: Provider, services: OidcServices): void {
  trustAddresses(provider)
  const toEngineClient = createEngineClients(provider)
  // Undefined during sign-outs, which look clients up outside of any request of the engine's.
  const context = () => services.engineContext() as unknown as OidcContext | undefined

  Object.assign(provider.Client, {
    async find(id: unknown): Promise<EngineClient | undefined> {
      const registration = await findRegistration(services, context(), id)
      return registration && toEngineClient(registration)
    },
  })

  Object.assign(provider.Client.prototype, {
    /** `authenticateClient` has checked the secret before the engine is called. */
    async compareClientSecret(this: EngineClient): Promise<boolean> {
      const client = context()?.state.client
      return client?.authentication != null && client.registration === registrationOf(this)
    },

    responseTypeAllowed(this: EngineClient): boolean {
      if (registrationOf(this).grants.includes('authorization_code')) return true
      throw new errors.UnauthorizedClient('the client is not registered for authorization codes')
    },

    grantTypeAllowed(this: EngineClient, type: string): boolean {
      if (grantTypesOf(registrationOf(this)).includes(type)) return true
      if (services.engineContext().oidc.route !== 'token') return false
      throw new errors.UnauthorizedClient('the client is not registered for this grant type')
    },
  })
}
