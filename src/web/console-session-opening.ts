import Router from '@koa/router'
import type { Context } from 'koa'
import { type ConsoleSessionTicket, mayOpen, readConsoleSessionTicket } from '../clients/console-session-tickets.ts'
import { CONSOLE_SESSION_PATH, recordConsoleSessionOpening } from '../management/console-session-operations.ts'
import { startPathOf } from './console/kit/session-navigation.ts'
import { readConsoleSession, writeConsoleSession } from './console-session-cookie.ts'
import { ConsoleSessionError } from './console-session-errors.ts'
import { tokenIn } from './link-tokens-in-requests.ts'
import { seeOther } from './sign-in-routes.ts'
import { actorOf, type Web } from './web-services.ts'

/**
 * Whether a browser loads the page for a person. A browser that prefetches it, and a program that only looks at what a link is, must
 * not use the URL up (Fetch Metadata; `Sec-Purpose` of the Fetch standard).
 */
function isNavigation(ctx: Context): boolean {
  const isEarly = /prefetch|prerender|preview/i.test(
    `${ctx.get('sec-purpose')} ${ctx.get('purpose')} ${ctx.get('x-moz')}`,
  )
  return ctx.method === 'GET' && !isEarly && ['', 'document', 'iframe', 'frame'].includes(ctx.get('sec-fetch-dest'))
}

/** @throws ConsoleSessionError: the page is not in the frame that the session is for */
function checkFrame(ctx: Context, ticket: ConsoleSessionTicket): void {
  if (ticket.embedOrigin === null) return
  const framer = URL.parse(ctx.get('referer'))?.origin
  if (ctx.get('sec-fetch-dest') === 'document' || (framer !== undefined && framer !== ticket.embedOrigin))
    throw new ConsoleSessionError('not_framed', ticket)
}

async function begin(web: Web, ctx: Context, ticket: ConsoleSessionTicket): Promise<string> {
  const { knex } = web.management
  if (!(await mayOpen(knex, ticket, Date.now()))) throw new ConsoleSessionError('link_over', ticket)
  if (!(await web.flow.once(ticket.id, new Date(ticket.expiresAt)))) throw new ConsoleSessionError('link_over', ticket)
  const { userId, accountId, since, expiresAt: _, ...consoleSession } = ticket
  const login = { userId, accountId, since: new Date(since), consoleSession }
  const id = await web.flow.consoleSessions.open(ctx, login)
  if (id === undefined) throw new ConsoleSessionError('link_over', ticket)
  await recordConsoleSessionOpening(knex, ticket, actorOf(ctx, userId))
  return id
}

/** A page that is loaded again, or reached by going back, goes on with its session. */
async function isOpenHere(web: Web, ctx: Context, ticket: ConsoleSessionTicket): Promise<boolean> {
  const present = readConsoleSession(ctx, web.management.encryptionKeys)
  return present?.openedBy === ticket.id && (await web.flow.consoleSessions.user(ctx, present.id)) !== undefined
}

/** The URL that a service created for a user. */
export function consoleSessionOpening(web: Web): Router {
  const router = new Router()
  router.get(CONSOLE_SESSION_PATH, async (ctx) => {
    const { encryptionKeys } = web.management
    const ticket = readConsoleSessionTicket(encryptionKeys, tokenIn(ctx.query.ticket))
    if (!ticket) throw new ConsoleSessionError('link_over')
    ctx.state.embedOrigin = ticket.embedOrigin ?? undefined
    if (!isNavigation(ctx)) {
      ctx.status = 204
      return
    }
    if (!(await isOpenHere(web, ctx, ticket))) {
      checkFrame(ctx, ticket)
      const id = await begin(web, ctx, ticket)
      const { returnUrl, embedOrigin } = ticket
      writeConsoleSession(ctx, encryptionKeys, { id, openedBy: ticket.id, returnUrl, embedOrigin })
    }
    seeOther(ctx, startPathOf(ticket.pages))
  })
  return router
}
