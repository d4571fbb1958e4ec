import type { Context } from 'koa'
import { isRecent } from '../management/recent-sign-in.ts'
import { principalOf } from './console/kit/console-route.ts'
import { pathWithToken } from './link-tokens-in-requests.ts'
import { needsOwnSignIn, type SignedInUser } from './sign-in-directory.ts'
import { confirmPathTo, seeOther, showConfirmationForForm, showSignInForForm, signInPathTo } from './sign-in-routes.ts'
import { currentUser, type Web } from './web-services.ts'

/** A step of a user on the pages of their own account. */
export type PersonalStep = (ctx: Context, user: SignedInUser) => Promise<void>

async function askSignInAgain(web: Web, ctx: Context, user: SignedInUser, page: string): Promise<void> {
  if (ctx.method === 'POST') await showConfirmationForForm(web, ctx, page, user)
  else seeOther(ctx, confirmPathTo(page))
}

/**
 * Leads a visitor without a session to the sign-in page and back. Every form is posted to a path that also has a GET page; what was
 * posted is kept.
 */
export const signedInAnyhow = (web: Web, step: PersonalStep) => async (ctx: Context) => {
  const user = await currentUser(web, ctx)
  const page = pathWithToken(ctx)
  if (user) await step(ctx, user)
  // The token of a link in an e-mail is all that its form holds, and the page of the link has it.
  else if (ctx.method === 'POST' && page === ctx.path) await showSignInForForm(web, ctx, page)
  else seeOther(ctx, signInPathTo(page))
}

/**
 * As `signedInAnyhow`; a user whose session is fixed to an account signs in themselves first: who opened the session answers for that
 * account only, and must neither read nor change what the user has in all of them.
 */
export const signedIn = (web: Web, step: PersonalStep) =>
  signedInAnyhow(web, async (ctx, user) => {
    if (user.isAccountFixed) await askSignInAgain(web, ctx, user, pathWithToken(ctx))
    else await step(ctx, user)
  })

/** As `signedIn`; a user who signed in longer ago, or not with credentials that suffice, signs in again first, also before a form is taken. */
export const recentlySignedIn = (web: Web, step: PersonalStep) =>
  signedIn(web, async (ctx, user) => {
    if (isRecent(principalOf(user, ctx)) && !needsOwnSignIn(user)) await step(ctx, user)
    else await askSignInAgain(web, ctx, user, ctx.path)
  })
