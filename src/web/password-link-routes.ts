import Router from '@koa/router'
import type { Context } from 'koa'
import { requestPasswordReset } from '../accounts/password-reset-requests.ts'
import { emailError } from '../shared/email-addresses.ts'
import { notFound } from '../shared/errors.ts'
import { invitationPath } from './invitation-paths.ts'
import { isUsedUp, tokenIn } from './link-tokens-in-requests.ts'
import { hasErrors, newPasswordErrors } from './new-password-fields.ts'
import { translateFor } from './page-language.ts'
import { forgotPasswordPage, linkRequestedPage, newPasswordPage, usedUpPage } from './password-link-pages.ts'
import { seeOther } from './sign-in-routes.ts'
import { forgotPathOf, passwordError } from './sign-in-steps.ts'
import { originOf, type Web } from './web-services.ts'

/** @throws KeywrightError `not_found` while the instance sends no e-mail */
function requireMail({ management }: Web): void {
  if (!management.mail) throw notFound('page', 'for a forgotten password')
}

function showForgot(web: Web, ctx: Context): void {
  requireMail(web)
  const t = translateFor(ctx)
  web.show(ctx, ctx.query.notice === 'requested' ? linkRequestedPage(t) : forgotPasswordPage(t))
}

async function requestLink(web: Web, ctx: Context): Promise<void> {
  requireMail(web)
  const t = translateFor(ctx)
  const email = ctx.state.form.get('email')?.trim() ?? ''
  if (email === '' || emailError(email) !== undefined) {
    return web.show(ctx, forgotPasswordPage(t, { email, emailError: t('signIn.enterEmail'), status: 400 }))
  }
  const wait = await requestPasswordReset(web.management.knex, email, { ...originOf(ctx), language: t.language.code })
  if (wait === undefined) return seeOther(ctx, '/password/forgot?notice=requested')
  ctx.set('Retry-After', String(wait))
  const fieldError = t('forgotPassword.tooMany', { wait: t.wait(wait) })
  web.show(ctx, forgotPasswordPage(t, { email, fieldError, status: 429 }))
}

const showUsedUp = (web: Web, ctx: Context): void => web.show(ctx, usedUpPage(translateFor(ctx), forgotPathOf(web)))

/** Opening a link changes nothing: mail scanners open links too. */
async function showNewPassword(web: Web, ctx: Context): Promise<void> {
  const token = tokenIn(ctx.query.token)
  const link = await web.passwordLinks.open(token)
  if (link?.mustJoin) seeOther(ctx, invitationPath(token))
  else if (link) web.show(ctx, newPasswordPage(translateFor(ctx), link, { token }))
  else showUsedUp(web, ctx)
}

async function saveNewPassword(web: Web, ctx: Context): Promise<void> {
  const { form } = ctx.state
  const t = translateFor(ctx)
  const token = tokenIn(form.get('token'))
  const link = await web.passwordLinks.open(token)
  if (!link) return showUsedUp(web, ctx)
  if (link.mustJoin) return seeOther(ctx, invitationPath(token))
  const password = form.get('password') ?? ''
  const fieldErrors = newPasswordErrors(t, password, form.get('repeat') ?? '')
  if (hasErrors(fieldErrors)) return web.show(ctx, newPasswordPage(t, link, { token, ...fieldErrors }))
  try {
    await web.passwordLinks.choosePassword(token, password, originOf(ctx))
    seeOther(ctx, '/?notice=password-saved')
  } catch (error) {
    if (isUsedUp(error)) return showUsedUp(web, ctx)
    const weak = passwordError(t, error)
    if (weak === undefined) throw error
    web.show(ctx, newPasswordPage(t, link, { token, passwordError: weak }))
  }
}

/** Choosing a password by a link in a message. It signs nobody in: the new password, and what else the sign-in asks for, does. */
export function passwordLinkRoutes(web: Web): Router {
  const router = new Router({ prefix: '/password' })
  router.get('/forgot', (ctx) => showForgot(web, ctx))
  router.post('/forgot', (ctx) => requestLink(web, ctx))
  router.get('/new', (ctx) => showNewPassword(web, ctx))
  router.post('/new', (ctx) => saveNewPassword(web, ctx))
  return router
}
