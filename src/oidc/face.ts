import type { EventEmitter } from 'node:events'
import type { Middleware, Next } from 'koa'
import compose from 'koa-compose'
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'
import type { Authenticator } from '../clients/authentication.ts'
import type { Concessions } from '../clients/concessions.ts'
import type { Registrations } from '../clients/registrations.ts'
import type { SecretUses } from '../clients/secret-uses.ts'
import type { Database } from '../database/open.ts'
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/unavailable.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Issuer } from '../tokens/issuance.ts'
import type { Ledger } from '../tokens/ledger.ts'
import type { RefreshTokens } from '../tokens/refresh-tokens.ts'
import { createEngine } from './engine.ts'
import { OAuthError, toEngineError } from './engine-errors.ts'
import { introspectionEndpoint } from './introspection.ts'
import { describeServer, jwksEndpoint } from './metadata.ts'
import { revocationEndpoint } from './presented-tokens.ts'
import type { OidcContext } from './request-state.ts'
import { tokenEndpoint } from './token-endpoint.ts'

/** What the features and the ground give this face. */
export interface OidcServices {
  readonly database: Database
  readonly registrations: Registrations
  readonly authenticator: Authenticator
  readonly keyRings: KeyRings
  readonly issuer: Issuer
  readonly ledger: Ledger
  readonly refreshTokens: RefreshTokens
  readonly metrics: Metrics
  readonly concessions: Concessions
  readonly secretUses: SecretUses
  issuerUrl(): string
  /** The request that the engine is working on. */
  engineContext(): KoaContextWithOIDC
}

type OidcMiddleware = (ctx: OidcContext, next: Next) => Promise<void>

export const engineContext = (): KoaContextWithOIDC => Provider.ctx as KoaContextWithOIDC

const UNAVAILABLE_RETRY = 2

/** The OAuth error that an exception stands for. What has no standard form is the server's fault, told in the log only. */
function errorOf(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  if (isDatabaseUnavailable(error) || isDatabaseBusy(error)) {
    const options = { retryAfter: UNAVAILABLE_RETRY, cause: error }
    return new OAuthError(503, 'temporarily_unavailable', 'the database does not answer just now; try again', options)
  }
  const translated = toEngineError(error)
  if (translated instanceof OAuthError) return translated
  return new OAuthError(500, 'server_error', 'something went wrong; the request id tells us where', { cause: error })
}

function answerError(ctx: OidcContext, error: OAuthError): void {
  ctx.status = error.statusCode
  ctx.body = { error: error.error, error_description: error.error_description }
  if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter))
}

/** Errors become answers here and nowhere else: those of our own steps, and those that the engine gave up on. */
function answerErrors({ issuerUrl }: OidcServices): OidcMiddleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Pragma', 'no-cache')
    try {
      await next()
      const failure = ctx.state.failure
      if (failure instanceof OAuthError || (failure && ctx.status >= 500)) answerError(ctx, errorOf(failure))
    } catch (error) {
      ctx.state.failure = error as Error
      answerError(ctx, errorOf(error))
    }
    if (ctx.status === 401 && !ctx.response.get('WWW-Authenticate')) {
      ctx.set('WWW-Authenticate', `Basic realm="${issuerUrl()}"`)
    }
  }
}

const noteFailure = (ctx: unknown, error: Error) => {
  ;(ctx as OidcContext).state.failure = error
}

/** The OAuth endpoints as one middleware, which changes its engine when the keys change and drops no request. */
export function createOidcFace(services: OidcServices): Middleware {
  let engine: Middleware
  function changeEngine(): void {
    const provider = createEngine(services.issuerUrl(), services.keyRings.ring, services)
    const failures = ['grant.error', 'revocation.error', 'server_error', 'discovery.error']
    for (const event of failures) (provider as EventEmitter).on(event, noteFailure)
    engine = compose(provider.middleware) as Middleware
  }
  changeEngine()
  services.keyRings.onChange(changeEngine)

  const runEngine = (ctx: OidcContext, next: Next) => engine(ctx as never, next)
  const endpoint = (...steps: OidcMiddleware[]) => compose([answerErrors(services), ...steps, runEngine as never])
  const discovery = compose([describeServer(services), runEngine as never])
  const endpoints = new Map<string, (ctx: OidcContext, next: Next) => Promise<unknown>>([
    ['/oauth2/token', endpoint(...tokenEndpoint(services))],
    ['/oauth2/introspect', compose([answerErrors(services), introspectionEndpoint(services)])],
    ['/oauth2/revoke', endpoint(...revocationEndpoint(services))],
    ['/oauth2/jwks', jwksEndpoint(services)],
    ['/.well-known/openid-configuration', discovery],
    ['/.well-known/oauth-authorization-server', discovery],
  ])

  return async (ctx, next) => {
    // With or without a trailing slash, as DESIGN.md has it.
    const path = ctx.path.length > 1 && ctx.path.endsWith('/') ? ctx.path.slice(0, -1) : ctx.path
    const run = endpoints.get(path)
    if (!run) return await next()
    ctx.path = path
    await run(ctx as OidcContext, next)
  }
}
