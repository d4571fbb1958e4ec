import Router from '@koa/router'
import type { Context } from 'koa'
import { wantsPage } from './accepts-html.ts'
import { showDashboard } from './console/dashboard/dashboard-page.ts'
import { showOverview } from './console/dashboard/overview-page.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { callOf } from './console/kit/console-route.ts'
import { invitationRow } from './invitation-pages.ts'
import { noticeOf, noticesIn } from './notices.ts'
import { translateFor } from './page-language.ts'
import { portrait } from './portrait.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { currentUser, type Web } from './web-services.ts'

const TEXT = `Keywright is running.

Open this address in a browser to use the console.
The management API is at /api/v1, and its documentation at /api/v1/docs.
For the command line, run: npm run keywright -- --help
`

async function showAccount(web: Web, ctx: Context, user: SignedInUser): Promise<void> {
  const t = translateFor(ctx)
  const invitations = user.isAccountFixed ? [] : await web.directory.invitations(user.id)
  const data = { user: portrait(user), invitations: invitations.map((one) => invitationRow(t, one)) }
  const page = { view: 'home', title: t('account.title'), data }
  web.show(ctx, inOwnAccount(t, page, ctx.query.notice))
}

function showWelcome(web: Web, ctx: Context): void {
  const t = translateFor(ctx)
  const notice = noticeOf(ctx.query.notice, noticesIn(t))
  web.show(ctx, { view: 'welcome', title: t('welcome.title'), data: { notice } })
}

/** Shows the welcome page without a session, the account page to members, and the overview or dashboard to admins and operators. */
async function showHome(web: Web, ctx: Context): Promise<void> {
  const user = await currentUser(web, ctx)
  if (!user) return showWelcome(web, ctx)
  if (user.role === 'member') return await showAccount(web, ctx, user)
  await (user.role === 'operator' ? showDashboard : showOverview)(callOf(web, ctx, user, true))
}

/** The home page for browsers, and a plain text for other clients. */
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
