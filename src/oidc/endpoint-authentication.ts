import { InvalidAssertionError } from '../clients/client-assertions.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { takeFromRateLimit } from '../clients/client-rate-limits.ts'
import { ForbiddenNetworkError } from '../shared/errors.ts'
import { readClientCredentials } from './client-credentials.ts'
import type { Step } from './client-endpoint.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { takeFromNetwork } from './public-client-limits.ts'
import type { OidcContext, RequestCredentials } from './request-state.ts'

interface AuthenticationRules {
  /** Whether a client whose registration requires an API key must send it. */
  readonly withApiKey?: boolean
  /** Whether a public client, which has no secret, may call the endpoint. */
  readonly allowPublic?: boolean
  /** Whether the client may call only from its allowed networks. */
  readonly checkNetwork?: boolean
  /**
   * Whether a cached registration may prove the client. Only for endpoints whose statement also checks that the
   * registration is current.
   */
  readonly mayUseCache?: (ctx: OidcContext) => boolean
}

/** The longest client ID is much shorter. A longer one is not looked up. */
const MAX_CLIENT_ID_LENGTH = 200

const invalidClient = (detail: string) =>
  Object.assign(new OAuthError(401, 'invalid_client', 'client authentication failed'), { error_detail: detail })

async function findRegistration({ registrations }: OidcServices, clientId: string) {
  const registration = clientId.length > MAX_CLIENT_ID_LENGTH ? undefined : await registrations.fresh(clientId)
  if (!registration) throw invalidClient('client not found')
  return registration
}

/** The address to check; undefined where the endpoint serves every network. */
const networkAddress = ({ ip }: OidcContext, { checkNetwork }: AuthenticationRules) => (checkNetwork ? ip : undefined)

async function authenticatePublic(
  services: OidcServices,
  clientId: string,
  address: string | undefined,
): Promise<AuthenticatedClient> {
  const registration = await findRegistration(services, clientId)
  if (!registration.isPublic) throw invalidClient('the client must authenticate')
  return services.authenticator.trust(registration, address)
}

async function authenticateBySecret(
  services: OidcServices,
  ctx: OidcContext,
  { clientId, secret }: RequestCredentials & { readonly secret: string },
  rules: AuthenticationRules,
): Promise<AuthenticatedClient> {
  const { authenticator } = services
  const withApiKey = rules.withApiKey ?? false
  const credentials = { secret, apiKey: ctx.get('x-api-key'), address: networkAddress(ctx, rules) }
  const client = rules.mayUseCache?.(ctx)
    ? await authenticator.proveById(clientId, credentials, withApiKey)
    : authenticator.prove(await findRegistration(services, clientId), credentials, withApiKey)
  if (!client) throw invalidClient('invalid client secret or API key')
  return client
}

async function authenticateByAssertion(
  services: OidcServices,
  ctx: OidcContext,
  { clientId, assertion }: RequestCredentials & { readonly assertion: string },
  rules: AuthenticationRules,
): Promise<AuthenticatedClient> {
  const { assertionAuthenticator, registrations } = services
  const request = { assertion, issuer: services.issuerUrl(), address: networkAddress(ctx, rules) }
  const cached = rules.mayUseCache?.(ctx) ? registrations.cached(clientId) : undefined
  try {
    // A cached registration can only confirm: before a rejection it is read again.
    const proved = cached && (await assertionAuthenticator.prove(cached, request).catch(unlessInvalid))
    return proved ?? (await assertionAuthenticator.prove(await findRegistration(services, clientId), request))
  } catch (error) {
    if (!(error instanceof InvalidAssertionError)) throw error
    const { message, reason } = error
    throw Object.assign(new OAuthError(401, 'invalid_client', 'client authentication failed', { reason }), {
      error_detail: message,
    })
  }
}

/** A replay stays one, whatever the registration is. A network that is not allowed is refused before the use is recorded. */
function unlessInvalid(error: unknown): undefined {
  if (error instanceof ForbiddenNetworkError) return undefined
  if (error instanceof InvalidAssertionError && error.reason !== 'assertion_replayed') return undefined
  throw error
}

/**
 * Authenticates the client that calls an endpoint, for every endpoint and for the engine, and sets `client`
 * (RFC 6749, section 2.3).
 * @throws OAuthError 400, 401
 */
export function authenticateClient(services: OidcServices, rules: AuthenticationRules): Step {
  return async (ctx) => {
    const { clientId, secret, assertion } = ctx.state.credentials ?? readClientCredentials(ctx, {})
    if (assertion !== undefined) {
      ctx.state.client = await authenticateByAssertion(services, ctx, { clientId, secret, assertion }, rules)
      ctx.state.isClientCached = rules.mayUseCache?.(ctx) ?? false
    } else if (secret !== undefined) {
      ctx.state.client = await authenticateBySecret(services, ctx, { clientId, secret }, rules)
      ctx.state.isClientCached = rules.mayUseCache?.(ctx) ?? false
    } else if (rules.allowPublic)
      ctx.state.client = await authenticatePublic(services, clientId, networkAddress(ctx, rules))
    else throw invalidClient('the client must authenticate')
  }
}

/** Replaces the client by what its registration is now. @throws KeywrightError `invalid_client` */
export async function renewClient(ctx: OidcContext): Promise<void> {
  ctx.state.client = await ctx.state.client!.renew()
  ctx.state.isClientCached = false
}

/**
 * Counts a token request against the rate limit of its client. A request that names a public client proves nothing yet, so
 * it counts against its network.
 * @throws RateLimitedError
 */
export function limitRate(services: OidcServices): Step {
  return async (ctx) => {
    if (!ctx.state.client!.registration.rateLimit || ctx.state.isRateLimited) return
    // A cached limit may be lower than the current one.
    if (ctx.state.isClientCached) await renewClient(ctx)
    const { registration } = ctx.state.client!
    if (registration.isPublic) await takeFromNetwork(ctx, registration, services)
    else if (registration.rateLimit)
      await takeFromRateLimit(services.database, registration.key, registration.rateLimit)
    ctx.state.isRateLimited = true
  }
}
