import Router from '@koa/router'
import type { Context } from 'koa'
import { VERIFY_PATH, verificationOverPage, verifiedPage, verifyPage } from './email-link-pages.ts'
import { isUsedUp, tokenIn } from './link-tokens-in-requests.ts'
import { translateFor } from './page-language.ts'
import { seeOther } from './sign-in-routes.ts'
import { originOf, type Web } from './web-services.ts'

/** Opening a link changes nothing: mail scanners open links too. */
async function showVerification(web: Web, ctx: Context): Promise<void> {
  const t = translateFor(ctx)
  if (ctx.query.notice === 'verified') return web.show(ctx, verifiedPage(t))
  const token = tokenIn(ctx.query.token)
  const link = await web.verificationLinks.open(token)
  web.show(ctx, link ? verifyPage(t, link.email, token) : verificationOverPage(t))
}

async function verify(web: Web, ctx: Context): Promise<void> {
  try {
    await web.verificationLinks.verify(tokenIn(ctx.state.form.get('token')), originOf(ctx))
    seeOther(ctx, `${VERIFY_PATH}?notice=verified`)
  } catch (error) {
    if (!isUsedUp(error)) throw error
    web.show(ctx, verificationOverPage(translateFor(ctx)))
  }
}

/** Verifying an address by a link in a message. It signs nobody in. */
export function emailLinkRoutes(web: Web): Router {
  const router = new Router()
  router.get(VERIFY_PATH, (ctx) => showVerification(web, ctx))
  router.post(VERIFY_PATH, (ctx) => verify(web, ctx))
  return router
}
