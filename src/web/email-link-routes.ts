import Router from '@koa/router'
import type { Context } from 'koa'
import type { OpenedVerification } from '../management/mailbox-proofs.ts'
import { type EarlierProblem, earlierAnswerIn, earlierProblem, mayDecide } from './earlier-credentials-form.ts'
import {
  earlierPage,
  signInToVerifyPage,
  VERIFY_PATH,
  verificationOverPage,
  verifiedPage,
  verifyPage,
} from './email-link-pages.ts'
import { isUsedUp, pathWithToken, tokenIn } from './link-tokens-in-requests.ts'
import { translateFor } from './page-language.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { confirmPathTo, seeOther, showSignIn } from './sign-in-routes.ts'
import { forgotPathOf, loginOf } from './sign-in-steps.ts'
import { currentUser, originOf, type Web } from './web-services.ts'

interface Asked {
  readonly token: string
  readonly link: OpenedVerification
  /** The user of the link, if signed in in this browser. */
  readonly user: SignedInUser | undefined
}

/** Undefined, and an answer: the link is over. */
async function find(web: Web, ctx: Context, token: string): Promise<Asked | undefined> {
  const link = await web.verificationLinks.open(token)
  if (!link) return void showOver(web, ctx)
  const user = link.isEnough ? undefined : await currentUser(web, ctx)
  return { token, link, user: user?.id === link.userId ? user : undefined }
}

const showOver = (web: Web, ctx: Context): void => web.show(ctx, verificationOverPage(translateFor(ctx)))

async function showEarlier(web: Web, ctx: Context, user: SignedInUser, token: string, problem: EarlierProblem = {}) {
  const earlier = await web.verificationLinks.earlier({ user, sessionId: user.sessionId })
  if (earlier) web.show(ctx, earlierPage(translateFor(ctx), { email: user.email, token, earlier, ...problem }))
  else showOver(web, ctx)
}

/** Opening a link changes nothing: mail scanners open links too. */
async function showVerification(web: Web, ctx: Context): Promise<void> {
  const t = translateFor(ctx)
  if (ctx.query.notice === 'verified') return web.show(ctx, verifiedPage(t))
  const asked = await find(web, ctx, tokenIn(ctx.query.token))
  if (!asked) return
  const { link, user, token } = asked
  if (link.isEnough || user?.isAccountFixed) web.show(ctx, verifyPage(t, link.email, token))
  else if (!user) web.show(ctx, signInToVerifyPage(t, { email: link.email, token, forgotPath: forgotPathOf(web) }))
  else if (!mayDecide(user)) seeOther(ctx, confirmPathTo(pathWithToken(ctx)))
  else await showEarlier(web, ctx, user, token)
}

/** The mailbox is proven: by the link, and by the user's own sign-in in the same browser. */
async function prove(web: Web, ctx: Context, user: SignedInUser, token: string): Promise<void> {
  const t = translateFor(ctx)
  const inBrowser = { user, sessionId: user.sessionId }
  const earlier = await web.verificationLinks.earlier(inBrowser)
  const answer = earlier && earlierAnswerIn(t, ctx.state.form, earlier, user.sessionId)
  if (!answer) return seeOther(ctx, pathWithToken(ctx))
  if ('errors' in answer) return await showEarlier(web, ctx, user, token, answer)
  try {
    const proven = await web.verificationLinks.prove(token, inBrowser, answer, originOf(ctx))
    // Sessions may have ended; who decided keeps this browser's. It is no new sign-in.
    await web.flow.signIn(ctx, { ...loginOf(proven, user.amr), signedInAt: user.signedInAt })
    seeOther(ctx, `${VERIFY_PATH}?notice=verified`)
  } catch (error) {
    const problem = earlierProblem(t, error)
    if (!problem) throw error
    await showEarlier(web, ctx, user, token, problem)
  }
}

async function answer(web: Web, ctx: Context, { link, user, token }: Asked): Promise<void> {
  if (link.isEnough || user?.isAccountFixed) {
    await web.verificationLinks.verify(token, user?.id, originOf(ctx))
    seeOther(ctx, `${VERIFY_PATH}?notice=verified`)
  } else if (!user) await showSignIn(web, ctx, pathWithToken(ctx), link.email)
  else if (!mayDecide(user)) seeOther(ctx, confirmPathTo(pathWithToken(ctx)))
  else await prove(web, ctx, user, token)
}

async function verify(web: Web, ctx: Context): Promise<void> {
  const asked = await find(web, ctx, tokenIn(ctx.state.form.get('token')))
  if (!asked) return
  try {
    await answer(web, ctx, asked)
  } catch (error) {
    if (!isUsedUp(error)) throw error
    showOver(web, ctx)
  }
}

/**
 * Verifying an address by a link in a message. It signs nobody in. While somebody can sign in as the user, the link is not enough: an
 * admin who had signed in as the user could have requested the message, and would then be the user of a verified address.
 */
export function emailLinkRoutes(web: Web): Router {
  const router = new Router()
  router.get(VERIFY_PATH, (ctx) => showVerification(web, ctx))
  router.post(VERIFY_PATH, (ctx) => verify(web, ctx))
  return router
}
