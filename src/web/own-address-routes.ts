import Router from '@koa/router'
import type { Context } from 'koa'
import { requestEmailChange } from '../accounts/email-changes.ts'
import { requestVerification } from '../accounts/email-verification.ts'
import type { FromPage } from '../accounts/password-changes.ts'
import type { Translate } from '../languages/translator.ts'
import { normalizedEmail } from '../shared/email-addresses.ts'
import { notFound, RateLimitedError } from '../shared/errors.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { isUsedUp, tokenIn } from './link-tokens-in-requests.ts'
import { changeEmailPage, changeOverPage, confirmEmailPage, ownAddress, verificationPage } from './own-address-pages.ts'
import { EMAIL_PATH, SECURITY_PATH } from './own-paths.ts'
import { translateFor } from './page-language.ts'
import { type PersonalStep, recentlySignedIn, signedIn } from './personal-steps.ts'
import type { WebUser } from './sign-in-directory.ts'
import { seeOther } from './sign-in-routes.ts'
import { loginOf } from './sign-in-steps.ts'
import { originOf, type Web } from './web-services.ts'

const originOfPage = (ctx: Context): FromPage => ({ ...originOf(ctx), language: translateFor(ctx).language.code })

/** A step that sends a message. @throws KeywrightError `not_found` while the instance sends no e-mail */
const withMail =
  (web: Web, step: PersonalStep): PersonalStep =>
  async (ctx, user) => {
    if (!web.management.mail) throw notFound('page', 'for an email address')
    await step(ctx, user)
  }

/** Undefined: valid, and another one than the present. @param email normalized; undefined: not an address */
function newEmailError(t: Translate, email: string | undefined, user: WebUser): string | undefined {
  if (email === undefined) return t('changeEmail.malformed')
  return email === user.email ? t('changeEmail.same') : undefined
}

const askVerification =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    if (user.emailVerified && user.isProven) return seeOther(ctx, SECURITY_PATH)
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, verificationPage(t, ownAddress(web, user))))
  }

const sendVerification =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    if (user.emailVerified && user.isProven) return seeOther(ctx, SECURITY_PATH)
    const wait = await requestVerification(web.management.knex, user.id, originOfPage(ctx))
    if (wait !== undefined) throw new RateLimitedError(wait)
    seeOther(ctx, `${SECURITY_PATH}?notice=verification-sent`)
  }

const askEmail =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, changeEmailPage(t, user)))
  }

const requestEmail =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    const typed = ctx.state.form.get('email') ?? ''
    const email = normalizedEmail(typed)
    const emailError = newEmailError(t, email, user)
    if (email === undefined || emailError !== undefined)
      return web.show(ctx, inOwnAccount(t, changeEmailPage(t, user, { email: typed, emailError, status: 400 })))
    const wait = await requestEmailChange(web.management.knex, user.id, email, originOfPage(ctx))
    if (wait === undefined) return seeOther(ctx, `${SECURITY_PATH}?notice=address-requested`)
    ctx.set('Retry-After', String(wait))
    const fieldError = t('forgotPassword.tooMany', { wait: t.wait(wait) })
    web.show(ctx, inOwnAccount(t, changeEmailPage(t, user, { email: typed, fieldError, status: 429 })))
  }

function showOver(web: Web, ctx: Context, user: WebUser): void {
  const t = translateFor(ctx)
  web.show(ctx, { ...inOwnAccount(t, changeOverPage(t, user)), view: 'console/message' })
}

/** Opening a link changes nothing: mail scanners open links too. */
const askConfirmation =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const token = tokenIn(ctx.query.token)
    const change = await web.emailChangeLinks.open(token, user.id)
    if (!change) return showOver(web, ctx, user)
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, confirmEmailPage(t, change, token)))
  }

const confirmEmail =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const token = tokenIn(ctx.state.form.get('token'))
    const changed = await web.emailChangeLinks.confirm(token, user.id, originOf(ctx), user.sessionId).catch((error) => {
      if (isUsedUp(error)) return undefined
      throw error
    })
    if (!changed) return showOver(web, ctx, user)
    // The change ended every session; who confirmed it keeps this browser's. It is no new sign-in.
    await web.flow.signIn(ctx, { ...loginOf(changed, user.amr), signedInAt: user.signedInAt })
    seeOther(ctx, `${SECURITY_PATH}?notice=address-changed`)
  }

/** The address of a user, on the pages of their own account. */
export function ownAddressRoutes(web: Web): Router {
  const router = new Router({ prefix: EMAIL_PATH })
  router.get('/verification', signedIn(web, withMail(web, askVerification(web))))
  router.post('/verification', signedIn(web, withMail(web, sendVerification(web))))
  router.get('/', recentlySignedIn(web, withMail(web, askEmail(web))))
  router.post('/', recentlySignedIn(web, withMail(web, requestEmail(web))))
  router.get('/confirm', signedIn(web, askConfirmation(web)))
  router.post('/confirm', signedIn(web, confirmEmail(web)))
  return router
}
