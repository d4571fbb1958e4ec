import type { Context } from 'koa'

/** Over TLS the prefix keeps other hosts of the domain from setting it (RFC 6265bis, section 4.1.3.2). */
const nameOf = (ctx: Context, name: string): string => (ctx.secure ? `__Host-${name}` : name)

export const readCookie = (ctx: Context, name: string): string | undefined => ctx.cookies.get(nameOf(ctx, name))

/**
 * In a frame of another site, a browser stores and sends only cookies of that site's partition (CHIPS): two products, or the product and
 * this site by itself, have different ones.
 */
const siteOptions = (ctx: Context) =>
  ctx.state.embedOrigin && ctx.secure
    ? ({ sameSite: 'none', partitioned: true } as const)
    : ({ sameSite: 'lax' } as const)

/** @param maxAge milliseconds; absent for as long as the browser is open */
export function writeCookie(ctx: Context, name: string, value: string, maxAge?: number): void {
  const options = { httpOnly: true, ...siteOptions(ctx), path: '/', secure: ctx.secure, overwrite: true } as const
  ctx.cookies.set(nameOf(ctx, name), value, { ...options, maxAge })
}

const BROWSER = 'kw_browser'
const YEAR = 365 * 24 * 3600 * 1000

/** What tells the browser that somebody has signed in with before from one that guesses. */
export const readBrowser = (ctx: Context): string | undefined => readCookie(ctx, BROWSER)
export const writeBrowser = (ctx: Context, browser: string): void => writeCookie(ctx, BROWSER, browser, YEAR)
