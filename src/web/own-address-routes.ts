import Router from '@koa/router'
import { requestVerification } from '../accounts/email-verification.ts'
import { notFound, RateLimitedError } from '../shared/errors.ts'
import { inConsole } from './console/kit/console-page.ts'
import { ownAddress, verificationPage } from './own-address-pages.ts'
import { EMAIL_PATH, SECURITY_PATH } from './own-paths.ts'
import { type PersonalStep, signedIn } from './personal-steps.ts'
import { seeOther } from './sign-in-routes.ts'
import { originOf, type Web } from './web-services.ts'

/** A step that sends a message. @throws KeywrightError `not_found` while the instance sends no e-mail */
const withMail =
  (web: Web, step: PersonalStep): PersonalStep =>
  async (ctx, user) => {
    if (!web.management.mail) throw notFound('page', 'for an email address')
    await step(ctx, user)
  }

const askVerification =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    if (user.emailVerified) seeOther(ctx, SECURITY_PATH)
    else web.show(ctx, inConsole(verificationPage(ownAddress(web, user))))
  }

const sendVerification =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    if (user.emailVerified) return seeOther(ctx, SECURITY_PATH)
    const wait = await requestVerification(web.management.knex, user.id, originOf(ctx))
    if (wait !== undefined) throw new RateLimitedError(wait)
    seeOther(ctx, `${SECURITY_PATH}?notice=verification-sent`)
  }

/** The address of a user, on the pages of their own account. */
export function ownAddressRoutes(web: Web): Router {
  const router = new Router({ prefix: EMAIL_PATH })
  router.get('/verification', signedIn(web, withMail(web, askVerification(web))))
  router.post('/verification', signedIn(web, withMail(web, sendVerification(web))))
  return router
}
