import type { Context, Middleware } from 'koa'
import { loadWhenUsed } from './late-middleware.ts'

/** By the header alone, for that is all that most responses need: they are no pages. */
const isPage = (ctx: Context): boolean => String(ctx.res.getHeader('content-type')).startsWith('text/html')

/**
 * Pages only: JSON answers hold tokens, status lists and assets are compressed already, and an event stream must not be
 * held back. A page that another site opens is not compressed: from its length that site could learn, letter by letter,
 * what stands on the page beside text that it chose (BREACH).
 */
function mayCompress(ctx: Context): boolean {
  const site = ctx.get('sec-fetch-site')
  return site === '' || site === 'same-origin' || site === 'none'
}

/** Compresses HTML responses. What is secret in a page and the same in each response must be masked (`csrfToken`). */
export function compressPages(): Middleware {
  const run = loadWhenUsed(async () => (await import('koa-compress')).default())
  return async (ctx, next) => {
    await next()
    if (!isPage(ctx)) return
    ctx.vary('Sec-Fetch-Site')
    if (mayCompress(ctx)) await run(ctx, async () => {})
  }
}
