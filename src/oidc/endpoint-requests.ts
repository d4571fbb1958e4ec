import { parse, stringify } from 'node:querystring'
import type { Next } from 'koa'
import { BodyTooLargeError, readBody } from '../http/request-body.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcContext } from './request-state.ts'

/** Far more than any request of these endpoints needs; a client assertion is a few KiB. */
const BODY_LIMIT = 64 * 1024

export type Form = Record<string, string | string[] | undefined>

const invalidRequest = (description: string, status = 400) => new OAuthError(status, 'invalid_request', description)

/** PostgreSQL cannot store it and no parameter may hold it: refused here, before anything is looked up. */
export function refuseNul(text: string): void {
  if (text.includes('\0') || text.includes('%00')) throw invalidRequest('the request contains a NUL character')
}

export async function readForm(ctx: OidcContext): Promise<Form> {
  const body = await readBody(ctx.req, BODY_LIMIT).catch((error) => {
    if (!(error instanceof BodyTooLargeError)) throw error
    throw invalidRequest(error.message, 413)
  })
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (body.length > 0 && type !== 'application/x-www-form-urlencoded') {
    throw invalidRequest('the body must be application/x-www-form-urlencoded')
  }
  const text = body.toString()
  refuseNul(text)
  return parse(text)
}

/** How a step of an endpoint sees and changes the form before the engine does. */
export type FormStep = (ctx: OidcContext, form: Form) => Promise<void> | void

/** RFC 6749, section 3.2: a parameter without a value counts as omitted. */
const withoutEmpty = (form: Form): Form => Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))

/** Reads an endpoint's request once and refuses what is malformed, before anything is looked up. */
export async function readRequest(ctx: OidcContext): Promise<Form> {
  if (ctx.method !== 'POST') {
    ctx.set('Allow', 'POST, OPTIONS')
    throw invalidRequest('this endpoint takes POST only', 405)
  }
  return withoutEmpty(await readForm(ctx))
}

/** Gives the engine the form as a request that it takes: a body that was already read. */
export async function handToEngine(ctx: OidcContext, next: Next): Promise<void> {
  const { headers } = ctx.req
  // The answer is JSON whatever a browser would rather see.
  headers.accept = 'application/json'
  headers['content-type'] = 'application/x-www-form-urlencoded'
  // Without either header the engine would take a request that had all its parameters in the query for one without.
  if (!headers['transfer-encoding']) headers['content-length'] ??= '0'
  if (ctx.state.form) (ctx.req as { body?: unknown }).body = stringify(ctx.state.form)
  await next()
}
