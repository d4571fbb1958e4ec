import type { Context } from 'koa'
import { isLoopback } from './loopback-address.ts'

/**
 * The CSP source that lets a form's answer lead to this address: Chromium holds `form-action` against every redirect
 * that follows, to the last.
 */
function formTarget(redirectUri: string): string | undefined {
  const url = URL.parse(redirectUri)
  if (!url) return undefined
  // CSP has no way to write an IPv6 address.
  if (url.hostname.startsWith('[')) return url.protocol
  // RFC 8252, section 7.3: the port of a loopback address is the application's choice at each start.
  if (isLoopback(url)) return `${url.protocol}//${url.hostname}:*`
  return /^https?:$/.test(url.protocol) ? url.origin : url.protocol
}

/** For a page whose form may lead to an application: any web site, and this application wherever it lives. */
export function formTargets(redirectUri: string | undefined): string[] {
  const target = redirectUri === undefined ? undefined : formTarget(redirectUri)
  return ['https:', ...(target ? [target] : [])]
}

/**
 * CSP sources besides this site that forms of the page may redirect to. `anywhere` is for the few pages that do not know where
 * the redirects end: no wildcard allows a custom scheme, only a policy without `form-action`.
 */
export type FormTargets = readonly string[] | 'anywhere'

/** A form may lead to a sign-in, which may be at the product of the operator. */
export function withSignIn(targets: FormTargets = [], signInUrl: string | null): FormTargets {
  const target = signInUrl === null ? undefined : formTarget(signInUrl)
  return targets === 'anywhere' || target === undefined ? targets : [...new Set([...targets, target])]
}

const formAction = (targets: FormTargets): string[] =>
  targets === 'anywhere' ? [] : [`form-action ${["'self'", ...targets].join(' ')}`]

/** What a page needs beside its own styles, scripts and images. */
interface PageNeeds {
  readonly formTargets?: FormTargets | undefined
  readonly isLive?: boolean | undefined
  readonly hasFrame?: boolean | undefined
}

/** @param embedOrigin the only origin that may frame the page; absent: none may */
const policy = ({ formTargets = [], isLive, hasFrame }: PageNeeds, embedOrigin: string | undefined): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ...(isLive ? ["connect-src 'self'"] : []),
    ...(hasFrame ? ["frame-src 'self'"] : []),
    ...formAction(formTargets),
    "base-uri 'none'",
    `frame-ancestors ${embedOrigin ?? "'none'"}`,
  ].join('; ')

/**
 * The origin that may frame the page of a request; undefined: none may. It is that of the console session, for its own pages and for
 * errors: nobody signs in within a frame.
 */
export const embedOriginOf = ({ state }: Context): string | undefined =>
  state.user?.consoleSession || state.failure ? state.embedOrigin : undefined

const TWO_YEARS = 63_072_000

/** What every page is sent with: framed by nobody, or by the product that opened the console session, kept by no cache, running nothing that is not ours. A live page fetches itself. */
export function setPageHeaders(ctx: Context, needs: PageNeeds = {}): void {
  const embedOrigin = embedOriginOf(ctx)
  // X-Frame-Options cannot name an origin (RFC 7034, section 2.1: ALLOW-FROM is not supported any more).
  if (!embedOrigin) ctx.set('X-Frame-Options', 'DENY')
  ctx.set({
    'Content-Security-Policy': policy(needs, embedOrigin),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  })
  if (ctx.secure) ctx.set('Strict-Transport-Security', `max-age=${TWO_YEARS}`)
}
