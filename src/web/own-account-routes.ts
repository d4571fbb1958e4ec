import Router from '@koa/router'
import type { Context } from 'koa'
import type { Translate } from '../languages/translator.ts'
import { notFound } from '../shared/errors.ts'
import { connectionsPage, withdrawPage } from './connected-applications-page.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { principalOf } from './console/kit/console-route.ts'
import { hasErrors, newPasswordErrors } from './new-password-fields.ts'
import { translateFor } from './page-language.ts'
import { changePasswordPage, type PasswordFieldErrors } from './password-page.ts'
import { type PersonalStep, signedIn } from './personal-steps.ts'
import type { WebUser } from './sign-in-directory.ts'
import { seeOther } from './sign-in-routes.ts'
import { loginOf, passwordError } from './sign-in-steps.ts'
import { downloadUserData } from './user-data-download.ts'
import { actorOf, originOf, type Web } from './web-services.ts'

async function tryChange(
  web: Web,
  ctx: Context,
  user: WebUser,
  next: string,
): Promise<PasswordFieldErrors | undefined> {
  const t = translateFor(ctx)
  const present = ctx.state.form.get('present') ?? ''
  const result = await web.signIn.changePassword(user.id, present, next, originOf(ctx))
  if (result === 'changed') return undefined
  if (result === 'refused') return { present: t('changePassword.wrong') }
  ctx.set('Retry-After', String(result.retryAfter))
  return { form: t('common.tooManyAttempts', { wait: t.wait(result.retryAfter) }), status: 429 }
}

const tooWeak =
  (t: Translate) =>
  (error: unknown): PasswordFieldErrors => {
    const weak = passwordError(t, error)
    if (weak === undefined) throw error
    return { passwordError: weak }
  }

const showPassword =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, changePasswordPage(t, user)))
  }

const changePassword =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    const { form } = ctx.state
    const next = form.get('password') ?? ''
    const seen = newPasswordErrors(t, next, form.get('repeat') ?? '')
    const fieldErrors = hasErrors(seen) ? seen : await tryChange(web, ctx, user, next).catch(tooWeak(t))
    if (fieldErrors) return web.show(ctx, inOwnAccount(t, changePasswordPage(t, user, fieldErrors)))
    // A new password ends every session; who has just proved the former one keeps this browser's. It is no new sign-in: the
    // second factor was not asked.
    const renewed = await web.directory.user(user.id)
    if (renewed) await web.flow.signIn(ctx, { ...loginOf(renewed, user.amr), signedInAt: user.signedInAt })
    seeOther(ctx, '/?notice=password-changed')
  }

const connectedApplications =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const connections = await web.directory.connections(user.id)
    const wanted = connections.flatMap(({ apis }) => apis)
    const scopes = Map.groupBy(wanted, ({ identifier }) => identifier)
    const asked = [...scopes].map(([api, all]) => [api, [...new Set(all.flatMap((one) => one.scopes))]] as const)
    const t = translateFor(ctx)
    const texts = await web.directory.scopeTexts(Object.fromEntries(asked), t.language.code)
    web.show(ctx, inOwnAccount(t, connectionsPage(t, connections, texts), ctx.query.notice))
  }

const askWithdrawal =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const connections = await web.directory.connections(user.id)
    const connection = connections.find(({ clientId }) => clientId === ctx.params.clientId)
    if (!connection) throw notFound('application that you have allowed', 'with this id')
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, withdrawPage(t, connection)))
  }

const withdraw =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    await web.directory.withdraw({ userId: user.id, clientId: ctx.params.clientId }, actorOf(ctx, user.id))
    seeOther(ctx, '/account/applications?notice=withdrawn')
  }

const downloadOwnData =
  (web: Web): PersonalStep =>
  async (ctx, user) =>
    await downloadUserData(ctx, web.management, principalOf(user, ctx), user.id)

/** What somebody sees and changes of their own. */
export function accountRoutes(web: Web): Router {
  const router = new Router({ prefix: '/account' })
  router.get('/password', signedIn(web, showPassword(web)))
  router.post('/password', signedIn(web, changePassword(web)))
  router.get('/data', signedIn(web, downloadOwnData(web)))
  router.get('/applications', signedIn(web, connectedApplications(web)))
  router.get('/applications/:clientId/withdraw', signedIn(web, askWithdrawal(web)))
  router.post('/applications/:clientId/withdraw', signedIn(web, withdraw(web)))
  return router
}
