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

const BASIC = /^basic +((?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?)$/i

/** RFC 6749, appendix A: what ids and secrets are made of. */
const VISIBLE = /^[\x20-\x7e]+$/

function decodeHalf(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', '%20'))
    return VISIBLE.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/** RFC 6749, section 2.3.1: both halves are form-encoded. Undefined for anything that is not that. */
export function parseBasic(header: string): { clientId: string; secret: string } | undefined {
  const encoded = BASIC.exec(header)?.[1]
  if (!encoded) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const clientId = decodeHalf(text.slice(0, colon))
  const secret = decodeHalf(text.slice(colon + 1))
  return clientId && secret ? { clientId, secret } : undefined
}

/**
 * RFC 6749, section 5.2: whoever tried to authenticate in a way that cannot be read or is not supported is an unknown
 * client; whoever tried in two ways made an invalid request.
 */
export function checkAuthentication(ctx: OidcContext, form: Form): void {
  const header = ctx.get('authorization')
  const ways = [header, form.client_secret, form.client_assertion].filter((way) => way !== undefined && way !== '')
  if (ways.length > 1) throw invalidRequest('the client must authenticate in one way only')
  if (header && !parseBasic(header)) {
    refuseNul(Buffer.from(header.split(' ')[1] ?? '', 'base64').toString())
    throw new OAuthError(401, 'invalid_client', 'the Authorization header is not valid Basic authentication')
  }
  if (form.client_assertion !== undefined) {
    throw new OAuthError(401, 'invalid_client', 'client assertions are not supported')
  }
  if (!header && form.client_id === undefined) {
    throw new OAuthError(401, 'invalid_client', 'no client authentication was given')
  }
}

/** How a step of an endpoint sees and changes the form before the engine does. */
export type FormStep = (ctx: OidcContext, form: Form) => Promise<void> | void

/** Reads an endpoint's request once and refuses what is malformed, before anything is looked up. */
export async function readRequest(ctx: OidcContext): Promise<Form> {
  if (ctx.method !== 'POST') {
    ctx.set('Allow', 'POST, OPTIONS')
    throw invalidRequest('this endpoint takes POST only', 405)
  }
  return await readForm(ctx)
}

/** Reads the form, lets the steps work on it, and puts it aside for what comes next. */
export function formEndpoint(...steps: FormStep[]) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    if (ctx.method === 'OPTIONS') return await next()
    const form = await readRequest(ctx)
    for (const step of steps) await step(ctx, form)
    checkAuthentication(ctx, form)
    ctx.state.form = form
    await next()
  }
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
