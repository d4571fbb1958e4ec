import { parse, stringify } from 'node:querystring'
import type { Next } from 'koa'
import { BodyTooLargeError, readFormText } from '../http/request-body.ts'
import { OAuthError } from './engine-errors.ts'
import type { Form, OidcContext } from './request-state.ts'

/** Bytes. A client assertion, the largest parameter, has a few KiB. */
const BODY_LIMIT = 64 * 1024

const invalidRequest = (description: string, status = 400) => new OAuthError(status, 'invalid_request', description)

/** @throws OAuthError 400, 413 */
export async function readForm(ctx: OidcContext): Promise<Form> {
  const text = await readFormText(ctx.req, BODY_LIMIT).catch((error) => {
    if (!(error instanceof BodyTooLargeError)) throw error
    throw invalidRequest(error.message, 413)
  })
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (text !== '' && type !== 'application/x-www-form-urlencoded') {
    throw invalidRequest('the body must be application/x-www-form-urlencoded')
  }
  return parse(text)
}

/** Reads or changes the parameters of a request before the client is authenticated. */
export type FormStep = (ctx: OidcContext, form: Form) => Promise<void> | void

/** RFC 6749, section 3.2: a parameter without a value counts as omitted. */
const withoutEmpty = (form: Form): Form => Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))

/** Removes surplus spaces from `scope` (RFC 6749, section 3.3, allows one between two scopes). */
export function normalizeScope(form: Form): void {
  if (typeof form.scope === 'string') form.scope = form.scope.split(' ').filter(Boolean).join(' ')
}

/** Reads the form of a POST request. @throws OAuthError 400, 405, 413 */
export async function readRequest(ctx: OidcContext): Promise<Form> {
  if (ctx.method !== 'POST') {
    ctx.set('Allow', 'POST, OPTIONS')
    throw invalidRequest('this endpoint accepts POST only', 405)
  }
  const form = await readForm(ctx)
  normalizeScope(form)
  return withoutEmpty(form)
}

/** Calls the engine with the form in place of the body, which has been read. */
export async function handToEngine(ctx: OidcContext, next: Next): Promise<void> {
  const { headers } = ctx.req
  // The engine would respond with HTML to a browser that prefers it.
  headers.accept = 'application/json'
  headers['content-type'] = 'application/x-www-form-urlencoded'
  // Without either header the engine ignores the body, which legacy clients leave empty.
  if (!headers['transfer-encoding']) headers['content-length'] ??= '0'
  if (ctx.state.form) (ctx.req as { body?: unknown }).body = stringify(ctx.state.form)
  await next()
}
