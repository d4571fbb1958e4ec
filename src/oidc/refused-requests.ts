import { findByIdentifier } from '../apis/resource-identifiers.ts'
import { clientIdUrlError } from '../clients/client-id-urls.ts'
import type { Refusal, RefusedClient, RefusingEndpoint } from '../clients/refusals.ts'
import type { Registration } from '../clients/registration.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { hashSecret, isWellFormedSecret } from '../shared/secrets.ts'
import type { OidcServices } from './oidc-services.ts'
import { type Form, type OidcContext, registrationOf } from './request-state.ts'

const ENDPOINTS: Readonly<Record<string, RefusingEndpoint>> = {
  '/oauth2/token': 'token',
  '/oauth2/introspect': 'introspection',
  '/oauth2/revoke': 'revocation',
  '/oauth2/authorize': 'authorization',
  '/oauth2/par': 'pushed_authorization',
  '/oauth2/device': 'device_authorization',
}

/** The reason for an OAuth error code, where nothing finer is known. */
const REASONS: Readonly<Record<string, Refusal['reason']>> = {
  invalid_client: 'authentication',
  unauthorized_client: 'grant_type_not_allowed',
  unsupported_grant_type: 'grant_type_not_supported',
  unsupported_response_type: 'response_type_not_allowed',
  invalid_scope: 'scope_not_allowed',
  invalid_target: 'api_not_allowed',
  invalid_redirect_uri: 'redirect_uri_mismatch',
  invalid_grant: 'grant_invalid',
  expired_token: 'device_code_expired',
  slow_down: 'polling_too_fast',
  invalid_dpop_proof: 'dpop_proof_invalid',
  use_dpop_nonce: 'dpop_nonce_missing',
  access_denied: 'access_denied',
  login_required: 'login_required',
  consent_required: 'consent_required',
  account_selection_required: 'account_selection_required',
  invalid_request_uri: 'request_uri_invalid',
  rate_limit_exceeded: 'rate_limited',
  invalid_request: 'malformed_request',
  temporarily_unavailable: 'unavailable',
  server_error: 'server_error',
}

/** The reason by the text of an engine's error, which has no finer code. */
const TEXTS: readonly (readonly [error: string, text: RegExp, reason: RefusalReason])[] = [
  ['invalid_grant', /redirect_uri mismatch/, 'redirect_uri_mismatch'],
  ['invalid_grant', /code_verifier|code_challenge/, 'pkce_failed'],
  ['invalid_grant', /DPoP|jkt/, 'dpop_proof_invalid'],
  ['invalid_grant', /already consumed/, 'code_reused'],
  ['invalid_grant', /not found|expired|client mismatch/, 'code_invalid'],
  ['invalid_request', /response_type is not allowed/, 'response_type_not_allowed'],
  ['invalid_request', /is not allowed for this client/, 'grant_type_not_allowed'],
  ['invalid_request', /requires PKCE/, 'pkce_missing'],
  ['invalid_request', /Pushed Authorization Request must be used/, 'pushed_request_missing'],
]

interface Failure extends Error {
  readonly error?: string
  readonly error_description?: string
  readonly error_detail?: string
  readonly reason?: RefusalReason
  /** What the admin of the client may read of it. */
  readonly shown?: string
}

const ownReason = ({ reason, cause }: Failure): RefusalReason | undefined =>
  reason ?? (cause instanceof KeywrightError ? cause.reason : undefined)

function reasonOf(failure: Failure, error: string): Refusal['reason'] {
  const text = `${failure.error_description} ${failure.error_detail}`
  const byText = TEXTS.find(([code, pattern]) => code === error && pattern.test(text))?.[2]
  return ownReason(failure) ?? byText ?? REASONS[error] ?? 'other'
}

/** The form of client IDs; anything else may be a secret that a client sends in the wrong field. */
const CLIENT_ID = /^kw[ac]_[0-9A-Za-z]{20}$/

const isClientId = (id: string): boolean => CLIENT_ID.test(id) || clientIdUrlError(id) === undefined

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

interface EngineState {
  readonly client?: object
  readonly params?: Form
}

const engineStateOf = (ctx: OidcContext): EngineState => (ctx as unknown as { oidc?: EngineState }).oidc ?? {}

const parametersOf = (ctx: OidcContext): Form =>
  ctx.state.form ?? engineStateOf(ctx).params ?? (ctx.method === 'GET' ? (ctx.query as Form) : {})

function registrationFor(ctx: OidcContext, services: OidcServices, id: string | undefined): Registration | undefined {
  const { client } = engineStateOf(ctx)
  if (ctx.state.client) return ctx.state.client.registration
  if (client) return registrationOf(client)
  return id === undefined ? undefined : services.registrations.cached(id)
}

function clientOf(id: string | undefined, registration: Registration | undefined, secret: string | undefined) {
  const isLookedUp = secret !== undefined && isWellFormedSecret('clientSecret', secret)
  const client: RefusedClient = {
    // 0: its document describes the client, which is not stored.
    key: registration?.key || undefined,
    claimedId: id !== undefined && isClientId(id) ? id : undefined,
    hasSecret: secret !== undefined,
    ...(isLookedUp && { secretHash: hashSecret(secret) }),
  }
  return client
}

/** The API that the request is about; 0: none that the client may call. */
function apiOf(registration: Registration | undefined, resource: string | undefined): number {
  if (!registration) return 0
  const api = resource === undefined ? registration.apis[0] : findByIdentifier(registration.apis, resource)
  return api?.id ?? registration.resourceServer?.id ?? 0
}

/** What an answered device still waits for is no refusal. */
const isAwaited = (error: string): boolean => error === 'authorization_pending'

/**
 * Counts a request that ended with an OAuth error, in its response or in a redirect.
 * @param path the path of the request, which the engine may change
 */
export function recordRefusal(services: OidcServices, ctx: OidcContext, path: string, error: string): void {
  const endpoint = ENDPOINTS[path] ?? (path.startsWith('/oauth2/authorize/') ? 'authorization' : undefined)
  if (!endpoint || isAwaited(error)) return
  const { credentials, requestId, failure } = ctx.state
  const form = parametersOf(ctx)
  const id = credentials?.clientId ?? textOf(form.client_id)
  const registration = registrationFor(ctx, services, id)
  const reason = reasonOf(failure as Failure, error)
  services.refusals.record({
    endpoint,
    reason,
    client: clientOf(id, registration, reason === 'authentication' ? credentials?.secret : undefined),
    apiId: apiOf(registration, textOf(form.resource)),
    ip: ctx.ip,
    userAgent: ctx.get('user-agent'),
    requestId,
    detail: (failure as Failure | undefined)?.shown ?? '',
  })
}
