import Router from '@koa/router'
import type { Context } from 'koa'
import { toEnglish } from '../languages/translator.ts'
import { notFound } from '../shared/errors.ts'
import { connectionsPage, withdrawPage } from './connected-applications-page.ts'
import { inConsole } from './console/kit/console-page.ts'
import { principalOf } from './console/kit/console-route.ts'
import { hasErrors, newPasswordErrors } from './new-password-fields.ts'
import { changePasswordPage, type PasswordFieldErrors } from './password-page.ts'
import { type PersonalStep, signedIn } from './personal-steps.ts'
import { waitInWords } from './relative-time.ts'
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
  const present = ctx.state.form.get('present') ?? ''
  const result = await web.signIn.changePassword(user.id, present, next, originOf(ctx))
  if (result === 'changed') return undefined
  if (result === 'refused') return { present: 'The current password is wrong.' }
  ctx.set('Retry-After', String(result.retryAfter))
  const wait = waitInWords(result.retryAfter)
  return { form: `Too many attempts. Try again in ${wait}.`, status: 429 }
}

function tooWeak(error: unknown): PasswordFieldErrors {
  const weak = passwordError(toEnglish(), error)
  if (weak === undefined) throw error
  return { passwordError: weak }
}

const showPassword =
  (web: Web): PersonalStep =>
  async (ctx, user) =>
    web.show(ctx, inConsole(changePasswordPage(user)))

const changePassword =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { form } = ctx.state
    const next = form.get('password') ?? ''
    const seen = newPasswordErrors(toEnglish(), next, form.get('repeat') ?? '')
    const fieldErrors = hasErrors(seen) ? seen : await tryChange(web, ctx, user, next).catch(tooWeak)
    if (fieldErrors) return web.show(ctx, inConsole(changePasswordPage(user, fieldErrors)))
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
    const texts = await web.directory.scopeTexts(Object.fromEntries(asked), toEnglish().language.code)
    web.show(ctx, inConsole(connectionsPage(connections, texts), ctx.query.notice))
  }

const askWithdrawal =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const connections = await web.directory.connections(user.id)
    const connection = connections.find(({ clientId }) => clientId === ctx.params.clientId)
    if (!connection) throw notFound('application that you have allowed', 'with this id')
    web.show(ctx, inConsole(withdrawPage(connection)))
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
