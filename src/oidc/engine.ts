import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { KeyRing } from '../keys/key-ring.ts'
import { selectApi } from '../tokens/issuance.ts'
import { useLedger } from './access-tokens.ts'
import { EngineModelAdapter, recordOnce } from './adapter.ts'
import { useRegistrations } from './engine-clients.ts'
import { toEngineError } from './engine-errors.ts'
import type { OidcServices } from './face.ts'
import { useRefreshGrant } from './refresh-grant.ts'
import { clientOf, type OidcContext } from './request-state.ts'

/** Symmetric algorithms would be keyed by the client's secret, which nobody here knows. */
const ASYMMETRIC = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

function apiFor(ctx: KoaContextWithOIDC, services: OidcServices, resource: string | undefined) {
  const client = clientOf(ctx as unknown as OidcContext, services.authenticator, ctx.oidc.client!)
  try {
    return selectApi(client.registration, resource)
  } catch (error) {
    throw toEngineError(error)
  }
}

function configurationFor(ring: KeyRing, services: OidcServices): Configuration {
  return {
    adapter: (model: string) => new EngineModelAdapter(services.database.knex, model),
    jwks: { keys: ring.keys.flatMap((key) => key.secret?.jwk ?? []) } as Configuration['jwks'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    responseTypes: ['code'],
    scopes: [],
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      introspection: '/oauth2/introspect',
      revocation: '/oauth2/revoke',
      userinfo: '/oauth2/userinfo',
      jwks: '/oauth2/jwks',
      pushed_authorization_request: '/oauth2/par',
      device_authorization: '/oauth2/device',
      registration: '/oauth2/register',
      end_session: '/oauth2/logout',
    },
    enabledJWA: {
      idTokenSigningAlgValues: [...ASYMMETRIC],
      requestObjectSigningAlgValues: [...ASYMMETRIC],
      userinfoSigningAlgValues: [...ASYMMETRIC],
      introspectionSigningAlgValues: [...ASYMMETRIC],
      authorizationSigningAlgValues: [...ASYMMETRIC],
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (ctx, client, token) => mayRevoke(ctx, client, token) },
      resourceIndicators: {
        enabled: true,
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
    ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 2_592_000 },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    renderError: (ctx, out) => {
      ctx.type = 'json'
      ctx.body = out
    },
  }
}

/** RFC 7009, section 2.1: a token of another client is refused, and the caller is told so. */
function mayRevoke(_ctx: KoaContextWithOIDC, client: { clientId: string }, token: { clientId?: string }): boolean {
  if (token.clientId === client.clientId) return true
  throw new errors.InvalidRequest('the token was issued to another client')
}

/** The engine with our clients, ledger and refresh tokens in place of its own, for one state of the key ring. */
export function createEngine(issuerUrl: string, ring: KeyRing, services: OidcServices): Provider {
  const provider = new Provider(issuerUrl, configurationFor(ring, services))
  useRegistrations(provider, services)
  useLedger(provider, services)
  useRefreshGrant(provider, services)
  Object.assign(provider.ReplayDetection, {
    unique: (iss: string, jti: string, exp: number) => recordOnce(services.database.knex, `${iss}\n${jti}`, exp),
  })
  return provider
}
