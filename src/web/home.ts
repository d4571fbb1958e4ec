import Router from '@koa/router'
import type { Context } from 'koa'
import { portrait } from './allow-page.ts'
import { noticeOf } from './notices.ts'
import { currentPerson, type Web } from './services.ts'
import { wantsPage } from './wants-page.ts'

const TEXT = `Keywright is running.

The console's pages come with a later version. Until then the command line does what they will:
npm run keywright -- --help
`

async function showHome(web: Web, ctx: Context): Promise<void> {
  const person = await currentPerson(web, ctx)
  const notice = noticeOf(ctx.query.notice)
  const data = { notice, current: 'home', person: person && portrait(person) }
  web.show(ctx, { view: person ? 'home' : 'welcome', title: person ? 'Your account' : 'Welcome', data })
}

/** The start page for browsers; programs are told in plain text that they found the server. */
export function homeRoutes(web: Web): Router {
  const router = new Router()
  router.get('/', async (ctx) => {
    ctx.vary('Accept')
    if (wantsPage(ctx)) return await showHome(web, ctx)
    ctx.type = 'text/plain'
    ctx.body = TEXT
  })
  return router
}
