import type { AssertionRequest } from '../clients/assertion-authentication.ts'
import { usesCertificates, usesTrusts } from '../clients/authentication-attributes.ts'
import { InvalidCertificateError } from '../clients/certificate-authentication.ts'
import { claimedIdentity, InvalidAssertionError } from '../clients/client-assertions.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { JWT_BEARER_GRANT } from '../clients/grant-types.ts'
import type { Registration } from '../clients/registration.ts'
import { UntrustedIdentityError } from '../clients/workload-authentication.ts'
import { hasCertificate, presentedCertificate } from '../http/certificate-header.ts'
import { type Certificate, CertificateError } from '../shared/certificates.ts'
import { ForbiddenNetworkError } from '../shared/errors.ts'
import { readClientCredentials } from './client-credentials.ts'
import type { Step } from './client-endpoint.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { refuseWeakProof } from './proven-key.ts'
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
  /** Whether the use of an assertion is recorded later (`pendingUse`): with the token, or when the client is renewed. */
  readonly defersUse?: (ctx: OidcContext) => boolean
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

/** @throws OAuthError 400 */
function certificateOf(ctx: OidcContext): Certificate | undefined {
  try {
    return presentedCertificate(ctx)
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new OAuthError(400, 'invalid_request', error.message, { reason: 'certificate_invalid' })
  }
}

function authenticateByCertificate(
  { certificateAuthenticator }: OidcServices,
  ctx: OidcContext,
  registration: Registration,
  rules: AuthenticationRules,
): AuthenticatedClient {
  const client = certificateAuthenticator.prove(registration, certificateOf(ctx), networkAddress(ctx, rules))
  // The engine asks whether the client has authenticated where it compares a client secret.
  if (ctx.state.form) ctx.state.form.client_secret = 'certificate'
  return client
}

const refused = (error: InvalidAssertionError | InvalidCertificateError) =>
  Object.assign(new OAuthError(401, 'invalid_client', 'client authentication failed', { reason: error.reason }), {
    error_detail: error.message,
    shown: error instanceof UntrustedIdentityError ? error.shown : '',
  })

/** The token of a workload that is the grant and proves the client at once (RFC 7523, sections 2.1 and 3). */
function grantAssertion({ state: { form } }: OidcContext): string | undefined {
  const { grant_type, assertion } = form ?? {}
  return grant_type === JWT_BEARER_GRANT && typeof assertion === 'string' ? assertion : undefined
}

/** A workload that authenticates by the token that is its grant. @throws OAuthError 401 */
async function authenticateByGrant(
  services: OidcServices,
  ctx: OidcContext,
  registration: Registration,
  rules: AuthenticationRules,
): Promise<AuthenticatedClient> {
  const assertion = grantAssertion(ctx)
  if (assertion === undefined) throw invalidClient('the client must authenticate')
  const request = { assertion, audiences: audiencesOf(services.issuerUrl()), address: networkAddress(ctx, rules) }
  try {
    const client = await services.workloadAuthenticator.prove(registration, request)
    ctx.state.isProvedByGrant = true
    // The engine asks whether the client has authenticated where it compares a client secret.
    ctx.state.form!.client_secret = 'assertion'
    return client
  } catch (error) {
    throw error instanceof InvalidAssertionError ? refused(error) : error
  }
}

/** A client that only says who it is: it authenticates by its certificate or by its grant, or is public. */
async function authenticateWithoutSecret(
  services: OidcServices,
  ctx: OidcContext,
  clientId: string,
  rules: AuthenticationRules,
): Promise<AuthenticatedClient> {
  const cached = rules.mayUseCache?.(ctx) ? services.registrations.cached(clientId) : undefined
  try {
    if (cached && usesCertificates(cached)) return authenticateByCertificate(services, ctx, cached, rules)
  } catch (error) {
    // A cached registration can only confirm: before a rejection it is read again.
    if (!(error instanceof InvalidCertificateError || error instanceof ForbiddenNetworkError)) throw error
  }
  const registration = await findRegistration(services, clientId)
  try {
    if (usesCertificates(registration)) return authenticateByCertificate(services, ctx, registration, rules)
  } catch (error) {
    throw error instanceof InvalidCertificateError ? refused(error) : error
  }
  if (usesTrusts(registration)) return await authenticateByGrant(services, ctx, registration, rules)
  if (!rules.allowPublic || !registration.isPublic) throw invalidClient('the client must authenticate')
  return services.authenticator.trust(registration, networkAddress(ctx, rules))
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

/** Where clients authenticate, which older ones name as the audience of their assertions. The token endpoint also has a slash at its end. */
const ENDPOINTS = ['token', 'token/', 'par', 'device', 'introspect', 'revoke']

const audiencesOf = (issuer: string) => ({ issuer, endpoints: ENDPOINTS.map((name) => `${issuer}/oauth2/${name}`) })

function countEndpointAudience({ metrics, legacyOptionUses }: OidcServices, clientId: string): void {
  metrics.legacyOptionUses.inc({ kind: 'endpoint_audience' })
  legacyOptionUses.record(clientId, 'endpoint_audience')
}

/** Whether the client has signed the assertion itself, as it may within the overlap of its keys with trusts. */
function isOwnAssertion({ clientId }: Registration, assertion: string): boolean {
  const claimed = claimedIdentity(assertion)
  return claimed.isOwn && claimed.clientId === clientId
}

const isOfWorkload = (registration: Registration, { assertion }: AssertionRequest): boolean =>
  usesTrusts(registration) && !isOwnAssertion(registration, assertion)

/** By the current registration, and by the current keys where the client publishes them. @throws InvalidAssertionError */
async function proveByCurrent(services: OidcServices, clientId: string, request: AssertionRequest) {
  const registration = await findRegistration(services, clientId)
  if (isOfWorkload(registration, request)) return await services.workloadAuthenticator.prove(registration, request)
  return await services.assertionAuthenticator.proveByCurrent(() => findRegistration(services, clientId), request)
}

async function authenticateByAssertion(
  services: OidcServices,
  ctx: OidcContext,
  { clientId, assertion }: RequestCredentials & { readonly assertion: string },
  rules: AuthenticationRules,
): Promise<AuthenticatedClient> {
  const { assertionAuthenticator, workloadAuthenticator, registrations } = services
  const request = {
    assertion,
    audiences: audiencesOf(services.issuerUrl()),
    address: networkAddress(ctx, rules),
    defersUse: rules.defersUse?.(ctx) ?? false,
  }
  const cached = rules.mayUseCache?.(ctx) ? registrations.cached(clientId) : undefined
  try {
    // A cached registration can only confirm: before a rejection it is read again.
    const prove = (registration: Registration) =>
      (isOfWorkload(registration, request) ? workloadAuthenticator : assertionAuthenticator).prove(
        registration,
        request,
      )
    const proved = cached && (await prove(cached).catch(unlessInvalid))
    const client = proved ?? (await proveByCurrent(services, clientId, request))
    if (client.hasEndpointAudience) countEndpointAudience(services, clientId)
    return client
  } catch (error) {
    throw error instanceof InvalidAssertionError ? refused(error) : error
  }
}

/** Any other error stays one, as that of a replay does, whatever the registration is. A network that is not allowed is refused before the use is recorded. */
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
    } else {
      ctx.state.client = await authenticateWithoutSecret(services, ctx, clientId, rules)
      ctx.state.isClientCached = ctx.state.client.authentication !== null && (rules.mayUseCache?.(ctx) ?? false)
    }
    refuseWeakProof(ctx, ctx.state.client.registration)
    if (hasCertificate(ctx)) ctx.state.client = withCertificate(ctx, ctx.state.client)
  }
}

/** The client with the certificate to which its tokens are bound, also after it is renewed. @throws OAuthError 400 */
function withCertificate(ctx: OidcContext, client: AuthenticatedClient): AuthenticatedClient {
  const thumbprint = client.registration.certificateBoundAccessTokens
    ? certificateOf(ctx)?.thumbprint.toString('base64url')
    : undefined
  return {
    ...client,
    ...(thumbprint !== undefined && { certificateThumbprint: thumbprint }),
    renew: async () => withCertificate(ctx, await client.renew()),
  }
}

/** Replaces the client by what its registration is now. @throws KeywrightError `invalid_client` */
export async function renewClient(ctx: OidcContext): Promise<void> {
  ctx.state.client = await ctx.state.client!.renew()
  ctx.state.isClientCached = false
}
