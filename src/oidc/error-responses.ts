import type { Context, Next } from 'koa'
import { QuotaExceededError } from '../clients/quotas.ts'
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/unavailable.ts'
import { checkRequest, MalformedRequestError } from '../http/request-check.ts'
import { describeError, OAuthError, toEngineError } from './engine-errors.ts'
import { showError } from './engine-pages.ts'
import type { OidcServices } from './oidc-services.ts'
import { setRateLimitHeaders } from './rate-limit-headers.ts'
import { recordRefusal } from './refused-requests.ts'
import type { OidcContext } from './request-state.ts'

const UNAVAILABLE_RETRY = 2

/** The OAuth error for an exception. An unknown exception becomes `server_error`; its details are only logged. */
function errorOf(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  if (isDatabaseUnavailable(error) || isDatabaseBusy(error)) {
    const options = { retryAfter: UNAVAILABLE_RETRY, cause: error }
    return new OAuthError(503, 'temporarily_unavailable', 'the database is not available; try again', options)
  }
  if (error instanceof MalformedRequestError) return new OAuthError(error.status, 'invalid_request', error.message)
  const translated = toEngineError(error)
  if (translated instanceof OAuthError) return translated
  return new OAuthError(500, 'server_error', 'something went wrong; quote the X-Request-Id header when you report it', {
    cause: error,
  })
}

function setRetryAfter(ctx: OidcContext, { retryAfter }: OAuthError): void {
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter))
}

function respondWithError(ctx: OidcContext, error: OAuthError): void {
  ctx.status = error.statusCode
  ctx.body = { error: error.error, error_description: error.error_description }
  setRetryAfter(ctx, error)
  if (error.cause instanceof QuotaExceededError) setRateLimitHeaders(ctx, error.cause.uses)
}

const isObject = (body: unknown): body is object => typeof body === 'object' && body?.constructor === Object

function forbidStoring(ctx: OidcContext): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Pragma', 'no-cache')
}

/**
 * Lets a page of another origin read an error of our own steps, as it can read the engine's errors for a client that is
 * not authenticated yet: such an error holds nothing about the client.
 */
function allowOrigin(ctx: OidcContext): void {
  const origin = ctx.get('origin')
  if (!origin) return
  ctx.vary('Origin')
  ctx.set('Access-Control-Allow-Origin', origin)
}

/** Turns errors of our own steps, and exceptions that the engine does not know, into responses. */
export function handleErrors(services: OidcServices) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    const { path } = ctx
    forbidStoring(ctx)
    try {
      checkRequest(ctx as unknown as Context)
      await next()
      const failure = ctx.state.failure
      if (failure instanceof OAuthError || (failure && ctx.status >= 500)) respondWithError(ctx, errorOf(failure))
      else if (failure && isObject(ctx.body)) ctx.body = describeError(ctx.body)
    } catch (error) {
      ctx.state.failure = error as Error
      respondWithError(ctx, errorOf(error))
      allowOrigin(ctx)
    }
    if (ctx.state.failure)
      recordRefusal(services, ctx, path, (ctx.body as { error?: string } | null | undefined)?.error ?? 'other')
    if (ctx.status === 401 && !ctx.response.get('WWW-Authenticate')) {
      ctx.set('WWW-Authenticate', `Basic realm="${services.issuerUrl()}"`)
    }
  }
}

/** Like `handleErrors`, with a page in place of JSON. */
export function showErrors(services: OidcServices) {
  function show(ctx: OidcContext, error: OAuthError): void {
    const { error: code, error_description, statusCode } = error
    ctx.status = statusCode
    setRetryAfter(ctx, error)
    showError(ctx as unknown as Context, { error: code, ...(error_description && { error_description }) }, services)
  }

  return async (ctx: OidcContext, next: Next): Promise<void> => {
    const { path } = ctx
    forbidStoring(ctx)
    try {
      checkRequest(ctx as unknown as Context)
      await next()
      const { failure } = ctx.state
      if (failure instanceof OAuthError) setRetryAfter(ctx, failure)
      // The engine shows an exception that it does not know as `server_error`.
      else if (failure && ctx.status >= 500) show(ctx, errorOf(failure))
    } catch (error) {
      ctx.state.failure = error as Error
      show(ctx, errorOf(error))
    }
    const { failure } = ctx.state
    if (failure) recordRefusal(services, ctx, path, (failure as { error?: string }).error ?? errorOf(failure).error)
  }
}
