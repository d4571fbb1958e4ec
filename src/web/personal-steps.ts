import type { Context } from 'koa'
import { isRecent } from '../management/recent-sign-in.ts'
import { principalOf } from './console/kit/console-route.ts'
import { pathWithToken } from './link-tokens-in-requests.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { confirmPathTo, seeOther, showConfirmationForForm, showSignInForForm, signInPathTo } from './sign-in-routes.ts'
import { currentUser, type Web } from './web-services.ts'

/** A step of a user on the pages of their own account. */
export type PersonalStep = (ctx: Context, user: SignedInUser) => Promise<void>

/**
 * Leads a visitor without a session to the sign-in page and back. Every form is posted to a path that also has a GET page; what was
 * posted is kept.
 */
export const signedIn = (web: Web, step: PersonalStep) => async (ctx: Context) => {
  const user = await currentUser(web, ctx)
  const page = pathWithToken(ctx)
  if (user) await step(ctx, user)
  // The token of a link in an e-mail is all that its form holds, and the page of the link has it.
  else if (ctx.method === 'POST' && page === ctx.path) await showSignInForForm(web, ctx, page)
  else seeOther(ctx, signInPathTo(page))
}

/** As `signedIn`; a user who signed in longer ago signs in again first, also before a form is taken. */
export const recentlySignedIn = (web: Web, step: PersonalStep) =>
  signedIn(web, async (ctx, user) => {
    if (isRecent(principalOf(user, ctx))) await step(ctx, user)
    else if (ctx.method === 'POST') await showConfirmationForForm(web, ctx, ctx.path, user)
    else seeOther(ctx, confirmPathTo(ctx.path))
  })
