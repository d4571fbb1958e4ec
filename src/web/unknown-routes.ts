import type { Layer } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { type Translate, toEnglish } from '../languages/translator.ts'
import { wantsPage } from './accepts-html.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { notFoundPage, wrongMethodPage } from './messages.ts'
import type { Page, Show } from './page.ts'
import { translateFor } from './page-language.ts'
import { userOfBrowser, type Web } from './web-services.ts'

interface Refusal {
  page(t: Translate): Page
  readonly error: string
  readonly description: string
}

const NOTHING: Refusal = {
  page: notFoundPage,
  error: 'not_found',
  description: 'there is no resource at this address',
}

const WRONG_METHOD: Refusal = {
  page: wrongMethodPage,
  error: 'method_not_allowed',
  description: 'this resource does not support the method; see the Allow header',
}

function refuse(show: Show, ctx: Context, refusal: Refusal): void {
  ctx.vary('Accept')
  if (wantsPage(ctx)) {
    // Who is signed in keeps the console around them, and with it a way on.
    const t = translateFor(ctx)
    const page = refusal.page(t)
    show(ctx, ctx.state.user ? { ...inOwnAccount(t, page), view: 'console/message' } : page)
    return
  }
  ctx.status = refusal.page(toEnglish()).status!
  ctx.body = { error: refusal.error, error_description: refusal.description }
}

/** To a browser a page, to a program JSON: the same for whatever is not there, or is not to be known of. */
export const sendNotFound = (show: Show, ctx: Context): void => refuse(show, ctx, NOTHING)

/** What the routers before knew of this address, whatever the method. */
const methodsOf = (ctx: Context): string[] => [
  ...new Set(((ctx.matched ?? []) as Layer[]).flatMap(({ methods }) => methods)),
]

/**
 * Answers what no route did: the address is none of ours, or is not asked so. `allowedMethods` of the router would call a
 * method that it does not know a failure of the server (501).
 */
export function handleUnmatched(web: Web): Middleware {
  const { show } = web
  return async (ctx) => {
    const methods = methodsOf(ctx)
    if (wantsPage(ctx)) await userOfBrowser(web, ctx)
    if (methods.length === 0) return sendNotFound(show, ctx)
    ctx.set('Allow', methods.join(', '))
    if (ctx.method === 'OPTIONS') ctx.status = 204
    else refuse(show, ctx, WRONG_METHOD)
  }
}
