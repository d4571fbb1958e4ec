import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { hashSecret, sameHash } from '../shared/secrets.ts'
import { readCookie, writeCookie } from './cookies.ts'
import type { Form } from './forms.ts'

const COOKIE = 'kw_csrf'

/** 256 random bits in base64url. */
const TOKEN = /^[\w-]{43}$/

/** A random mask and the token under it. */
const MASKED = /^[\w-]{86}$/

const BYTES = 32

const xor = (one: Buffer, other: Buffer): Buffer => one.map((byte, n) => byte ^ other[n]!) as Buffer

/** The token as a page holds it: different in each response, so that the page's compressed length says nothing of it. */
function mask(token: string): string {
  const pad = randomBytes(BYTES)
  return Buffer.concat([pad, xor(pad, Buffer.from(token, 'base64url'))]).toString('base64url')
}

/** The token of a form. Unmasked it was sent by a page of an earlier version. */
function unmask(field: string): string {
  if (!MASKED.test(field)) return field
  const bytes = Buffer.from(field, 'base64url')
  return xor(bytes.subarray(0, BYTES), bytes.subarray(BYTES)).toString('base64url')
}

/** A form that fails the CSRF check. */
export class CsrfError extends Error {
  readonly reason: 'other_site' | 'no_cookie' | 'old_page'

  constructor(reason: CsrfError['reason']) {
    super(`refused a form: ${reason}`)
    this.name = 'CsrfError'
    this.reason = reason
  }
}

function givenToken(ctx: Context): string | undefined {
  const token = readCookie(ctx, COOKIE)
  return token && TOKEN.test(token) ? token : undefined
}

/** The value that a form of this browser carries: its token, one for all its tabs, masked anew. */
export function csrfToken(ctx: Context): string {
  ctx.state.csrf ??= givenToken(ctx) ?? randomBytes(32).toString('base64url')
  writeCookie(ctx, COOKIE, ctx.state.csrf)
  return mask(ctx.state.csrf)
}

/** Gives this browser another token: no page that it has shown before can send a form any more. */
export function renewCsrfToken(ctx: Context): void {
  ctx.state.csrf = randomBytes(BYTES).toString('base64url')
  writeCookie(ctx, COOKIE, ctx.state.csrf)
}

/** A name of this browser for what only it may use, such as a challenge. */
export function browserBinding(ctx: Context): string {
  csrfToken(ctx)
  return hashSecret(`browser ${ctx.state.csrf}`).toString('base64url')
}

/** @throws CsrfError when the browser says that another site sent this request */
export function refuseOtherSites(ctx: Context, issuer: string): void {
  const site = ctx.get('sec-fetch-site')
  if (site && site !== 'same-origin' && site !== 'none') throw new CsrfError('other_site')
  const origin = ctx.get('origin')
  if (!origin || origin === 'null') return
  const host = URL.parse(origin)?.host
  if (!host || (host !== ctx.host && host !== URL.parse(issuer)?.host)) throw new CsrfError('other_site')
}

/** @throws CsrfError unless the form carries what the browser's cookie holds */
export function checkCsrf(ctx: Context, form: Form): void {
  const expected = givenToken(ctx)
  if (!expected) throw new CsrfError('no_cookie')
  if (!sameHash(hashSecret(unmask(form.get('csrf') ?? '')), hashSecret(expected))) throw new CsrfError('old_page')
}
