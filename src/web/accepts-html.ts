import type { Context } from 'koa'

/** Whether a user is looking: browsers ask for HTML first, programs for JSON or for anything. */
export const wantsPage = (ctx: Context): boolean => ctx.accepts('text/plain', 'json', 'html') === 'html'
