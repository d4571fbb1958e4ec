import type { Context, Middleware, Next } from 'koa'
import { portrait } from './allow-page.ts'
import { notFoundPage } from './messages.ts'
import { noticeOf } from './notices.ts'
import { currentPerson, type Web } from './services.ts'
import { wantsPage } from './wants-page.ts'

async function showHome(web: Web, ctx: Context): Promise<void> {
  const person = await currentPerson(web, ctx)
  const notice = noticeOf(ctx.query.notice)
  const data = { notice, current: 'home', person: person && portrait(person) }
  web.show(ctx, { view: person ? 'home' : 'welcome', title: person ? 'Your account' : 'Welcome', data })
}

/** The start page and the page of nothing, for browsers; others go on. */
export function createHome(web: Web): Middleware {
  return async (ctx: Context, next: Next) => {
    ctx.vary('Accept')
    if (!wantsPage(ctx) || !/^(GET|HEAD)$/.test(ctx.method)) await next()
    else if (ctx.path === '/') await showHome(web, ctx)
    else web.show(ctx, notFoundPage())
  }
}
