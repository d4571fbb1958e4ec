import Router from '@koa/router'
import type { Context } from 'koa'
import { notFound } from '../shared/errors.ts'
import { connectionsPage, withdrawPage } from './connected-applications-page.ts'
import { inConsole } from './console/kit/console-page.ts'
import { changePasswordPage, type PasswordFieldErrors } from './password-page.ts'
import { waitInWords } from './relative-time.ts'
import type { Person, SignedInUser } from './sign-in-directory.ts'
import { seeOther, signInPathTo } from './sign-in-routes.ts'
import { loginOf, newPasswordErrors, passwordError } from './sign-in-steps.ts'
import { actorOf, currentUser, type Web } from './web-services.ts'

type PersonalStep = (ctx: Context, person: SignedInUser) => Promise<void>

/** Sends whoever is not signed in to do so first, and back: every form is posted to an address that also shows it. */
const signedIn = (web: Web, step: PersonalStep) => async (ctx: Context) => {
  const person = await currentUser(web, ctx)
  if (person) await step(ctx, person)
  else seeOther(ctx, signInPathTo(ctx.path))
}

async function tryChange(
  web: Web,
  ctx: Context,
  person: Person,
  next: string,
): Promise<PasswordFieldErrors | undefined> {
  const present = ctx.state.form.get('present') ?? ''
  const through = { ip: ctx.ip, requestId: ctx.state.requestId }
  const result = await web.signIn.changePassword(person.id, present, next, through)
  if (result === 'changed') return undefined
  if (result === 'refused') return { present: 'The current password is wrong.' }
  ctx.set('Retry-After', String(result.retryAfter))
  const wait = waitInWords(result.retryAfter)
  return { form: `Too many attempts. Try again in ${wait}.`, status: 429 }
}

function tooWeak(error: unknown): PasswordFieldErrors {
  const next = passwordError(error)
  if (next === undefined) throw error
  return { next }
}

const showPassword =
  (web: Web): PersonalStep =>
  async (ctx, person) =>
    web.show(ctx, inConsole(changePasswordPage(person)))

const changePassword =
  (web: Web): PersonalStep =>
  async (ctx, person) => {
    const { form } = ctx.state
    const next = form.get('password') ?? ''
    const { passwordError: weak, repeatedPasswordError } = newPasswordErrors(next, form.get('repeat') ?? '')
    const seen = weak || repeatedPasswordError ? { next: weak, repeat: repeatedPasswordError } : undefined
    const fieldErrors = seen ?? (await tryChange(web, ctx, person, next).catch(tooWeak))
    if (fieldErrors) return web.show(ctx, inConsole(changePasswordPage(person, fieldErrors)))
    // A new password ends every session; who has just proved the former one keeps this browser's.
    const renewed = await web.directory.person(person.id)
    if (renewed) await web.flow.signIn(ctx, loginOf(renewed))
    seeOther(ctx, '/?notice=password-changed')
  }

const connectedApplications =
  (web: Web): PersonalStep =>
  async (ctx, person) => {
    const connections = await web.directory.connections(person.id)
    const wanted = connections.flatMap(({ apis }) => apis)
    const scopes = Map.groupBy(wanted, ({ identifier }) => identifier)
    const asked = [...scopes].map(([api, all]) => [api, [...new Set(all.flatMap((one) => one.scopes))]] as const)
    const texts = await web.directory.scopeTexts(Object.fromEntries(asked))
    web.show(ctx, inConsole(connectionsPage(connections, texts), ctx.query.notice))
  }

const askWithdrawal =
  (web: Web): PersonalStep =>
  async (ctx, person) => {
    const connections = await web.directory.connections(person.id)
    const connection = connections.find(({ clientId }) => clientId === ctx.params.clientId)
    if (!connection) throw notFound('application that you have allowed', 'with this id')
    web.show(ctx, inConsole(withdrawPage(connection)))
  }

const withdraw =
  (web: Web): PersonalStep =>
  async (ctx, person) => {
    await web.directory.withdraw({ userId: person.id, clientId: ctx.params.clientId }, actorOf(ctx, person.id))
    seeOther(ctx, '/account/applications?notice=withdrawn')
  }

/** What somebody sees and changes of their own. */
export function accountRoutes(web: Web): Router {
  const router = new Router({ prefix: '/account' })
  router.get('/password', signedIn(web, showPassword(web)))
  router.post('/password', signedIn(web, changePassword(web)))
  router.get('/applications', signedIn(web, connectedApplications(web)))
  router.get('/applications/:clientId/withdraw', signedIn(web, askWithdrawal(web)))
  router.post('/applications/:clientId/withdraw', signedIn(web, withdraw(web)))
  return router
}
