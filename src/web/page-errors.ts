import type { Layer } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { LastSignInMethodError } from '../accounts/sign-in-methods.ts'
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/unavailable.ts'
import { type FactorConflict, FactorConflictError, MAX_APPS, MAX_PASSKEYS } from '../factors/factor-conflicts.ts'
import { BodyTooLargeError } from '../http/request-body.ts'
import { MalformedRequestError } from '../http/request-check.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import { type ErrorCode, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import type { Brand } from './brand.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { ConsoleSessionError } from './console-session-errors.ts'
import { consoleSessionRefusalPage } from './console-session-refusals.ts'
import { CsrfError } from './csrf.ts'
import { UnsupportedFormError } from './forms.ts'
import { pathWithToken } from './link-tokens-in-requests.ts'
import {
  noCookiePage,
  notFoundPage,
  oldPage,
  otherSitePage,
  refusedPage,
  serverFailurePage,
  signInOverPage,
  unavailablePage,
} from './messages.ts'
import type { Page, Show } from './page.ts'
import { translateFor } from './page-language.ts'
import { sentence } from './to-sentence.ts'

/** Seconds. */
const UNAVAILABLE_RETRY = 2

const REFUSALS: Partial<Record<ErrorCode, readonly [status: number, title: MessageKey]>> = {
  invalid_input: [400, 'error.invalidRequest'],
  forbidden: [403, 'error.accessDenied'],
  conflict: [409, 'error.conflict'],
  stale: [412, 'error.stale'],
  rate_limited: [429, 'error.tooManyRequests'],
}

/** The page that has the form which was posted here: the same address where it can be shown, or one step up. */
function formOf(ctx: Context): string {
  const shown = (ctx.matched as Layer[] | undefined)?.some(({ methods }) => methods.includes('GET'))
  if (shown) return pathWithToken(ctx)
  return (
    /^\/(interaction\/[^/]+|signin|password\/forgot|account\/password|account\/security|account\/applications)/.exec(
      ctx.path,
    )?.[0] ?? '/'
  )
}

function forgedFormPage(t: Translate, ctx: Context, { reason }: CsrfError): Page {
  if (reason === 'other_site') return otherSitePage(t)
  return reason === 'no_cookie' ? noCookiePage(t, formOf(ctx)) : oldPage(t, formOf(ctx))
}

/** For users, who do not know what a request body is. */
const tooLargePage = (t: Translate, ctx: Context, { limit }: BodyTooLargeError): Page =>
  refusedPage(t, ctx, {
    status: 413,
    title: t('error.tooMuchData'),
    paragraphs: [t('error.tooMuchDataText', { limit: limit / 1024 })],
  })

function statusOf(error: KeywrightError, usual: number): number {
  if (error instanceof MalformedRequestError) return error.status
  return error instanceof UnsupportedFormError ? 415 : usual
}

const FACTOR_CONFLICTS: Readonly<Record<FactorConflict, (t: Translate) => string>> = {
  too_many_apps: (t) => t('error.tooManyApps', { count: MAX_APPS }),
  too_many_passkeys: (t) => t('error.tooManyPasskeys', { count: MAX_PASSKEYS }),
  passkey_registered: (t) => t('error.passkeyRegistered'),
  last_factor: (t) => t('error.lastFactor'),
}

/** Messages of errors that are made for every interface are English, as on the wire. */
function refusalPage(t: Translate, ctx: Context, error: KeywrightError): Page {
  if (error instanceof BodyTooLargeError) return tooLargePage(t, ctx, error)
  if (error.code === 'invalid_grant') return signInOverPage(t)
  if (error.code === 'unavailable') return unavailablePage(t, ctx)
  // Missing objects and objects of another account get the same page (tenant isolation).
  if (error.code === 'not_found') return notFoundPage(t)
  const [status, title] = REFUSALS[error.code] ?? []
  if (!status || !title) return serverFailurePage(t, ctx)
  const refusal = { status: statusOf(error, status), title: t(title) }
  if (error instanceof RateLimitedError)
    return refusedPage(t, ctx, { ...refusal, paragraphs: [t('error.waitText', { wait: t.wait(error.retryAfter) })] })
  if (error instanceof LastSignInMethodError)
    return refusedPage(t, ctx, { ...refusal, paragraphs: [t('error.lastSignInMethod')] })
  if (error instanceof FactorConflictError)
    return refusedPage(t, ctx, { ...refusal, paragraphs: [FACTOR_CONFLICTS[error.conflict](t)] })
  return refusedPage(t, ctx, { ...refusal, paragraphs: [], englishParagraph: sentence(error.message) })
}

/** What Koa and the protocol's engine throw for requests that are the sender's fault. */
const isSenderError = (error: unknown): boolean => {
  const { expose, status, statusCode } = error as { expose?: unknown; status?: unknown; statusCode?: unknown }
  const code = Number(status ?? statusCode)
  return expose === true && code >= 400 && code < 500
}

function pageOf(t: Translate, ctx: Context, error: unknown, company: string): Page {
  if (error instanceof ConsoleSessionError) return consoleSessionRefusalPage(t, error, company)
  if (error instanceof CsrfError) return forgedFormPage(t, ctx, error)
  if (isDatabaseUnavailable(error) || isDatabaseBusy(error)) return unavailablePage(t, ctx)
  if (error instanceof KeywrightError) return refusalPage(t, ctx, error)
  return isSenderError(error) ? signInOverPage(t) : serverFailurePage(t, ctx)
}

/** Errors become pages here and nowhere else; what is private about them goes to the log. */
export function renderErrors(show: Show, { current }: Pick<Brand, 'current'>): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.state.failure = error
      const t = translateFor(ctx)
      const page = pageOf(t, ctx, error, current().name)
      if (page.status === 503) ctx.set('Retry-After', String(UNAVAILABLE_RETRY))
      if (error instanceof RateLimitedError) ctx.set('Retry-After', String(error.retryAfter))
      show(ctx, ctx.state.user ? { ...inOwnAccount(t, page), view: 'console/message' } : page)
    }
  }
}
