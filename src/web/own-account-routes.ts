import Router from '@koa/router'
import type { Context } from 'koa'
import type { ConnectedApplication } from '../consents/connected-applications.ts'
import type { Translate } from '../languages/translator.ts'
import { notFound } from '../shared/errors.ts'
import { connectionsPage, withdrawPage } from './connected-applications-page.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { principalOf } from './console/kit/console-route.ts'
import { hasErrors, newPasswordErrors } from './new-password-fields.ts'
import { translateFor } from './page-language.ts'
import { changePasswordPage, type PasswordFieldErrors } from './password-page.ts'
import { type PersonalStep, signedIn, signedInAnyhow } from './personal-steps.ts'
import type { SignedInUser, WebUser } from './sign-in-directory.ts'
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

/** The applications that the user connected, in a session that is fixed to an account, for that one. */
async function connectionsOf(web: Web, user: SignedInUser): Promise<readonly ConnectedApplication[]> {
  const connections = await web.directory.connections(user.id)
  return user.isAccountFixed ? connections.filter(({ actingFor }) => actingFor?.id === user.accountId) : connections
}

const connectedApplications =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const connections = await connectionsOf(web, user)
    const wanted = connections.flatMap(({ apis }) => apis)
    const scopes = Map.groupBy(wanted, ({ identifier }) => identifier)
    const asked = [...scopes].map(([api, all]) => [api, [...new Set(all.flatMap((one) => one.scopes))]] as const)
    const t = translateFor(ctx)
    const texts = await web.directory.scopeTexts(Object.fromEntries(asked), t.language.code)
    const known = { texts, hasSeveralAccounts: user.hasOtherAccounts }
    web.show(ctx, inOwnAccount(t, connectionsPage(t, connections, known), ctx.query.notice))
  }

/** The account that a link or form names, as it does for a user of several accounts. */
function namedAccount(ctx: Context, user: SignedInUser): string | undefined {
  if (user.isAccountFixed) return user.accountId ?? undefined
  const inForm: string | undefined = ctx.state.form?.get('account')
  return inForm ?? (typeof ctx.query.account === 'string' ? ctx.query.account : undefined)
}

const askWithdrawal =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const account = namedAccount(ctx, user)
    const connection = (await connectionsOf(web, user)).find(
      ({ clientId, actingFor }) =>
        clientId === ctx.params.clientId && (account === undefined || actingFor?.id === account),
    )
    if (!connection) throw notFound('application that you have allowed', 'with this id')
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, withdrawPage(t, connection, user.hasOtherAccounts)))
  }

const withdraw =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const connection = { userId: user.id, clientId: ctx.params.clientId, accountId: namedAccount(ctx, user) }
    await web.directory.withdraw(connection, actorOf(ctx, user.id))
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
  router.get('/applications', signedInAnyhow(web, connectedApplications(web)))
  router.get('/applications/:clientId/withdraw', signedInAnyhow(web, askWithdrawal(web)))
  router.post('/applications/:clientId/withdraw', signedInAnyhow(web, withdraw(web)))
  return router
}
