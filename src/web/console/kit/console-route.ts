import Router from '@koa/router'
import type { Context } from 'koa'
import type { Role } from '../../../accounts/user-attributes.ts'
import type { ConsoleSessionPage } from '../../../clients/console-session-tickets.ts'
import { type ConsoleTranslate, toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type Management, type RequiredPermission, requirePermission } from '../../../management/operation.ts'
import type { Principal } from '../../../management/principal.ts'
import { requireRecentSignIn } from '../../../management/recent-sign-in.ts'
import { invalidInput, KeywrightError } from '../../../shared/errors.ts'
import { readConsoleSession } from '../../console-session-cookie.ts'
import { ConsoleSessionError } from '../../console-session-errors.ts'
import type { Files, Form } from '../../forms.ts'
import { translateConsoleFor } from '../../page-language.ts'
import type { SignedInUser } from '../../sign-in-directory.ts'
import {
  confirmPathTo,
  seeOther,
  showConfirmationForForm,
  showSignInForForm,
  signInPathTo,
} from '../../sign-in-routes.ts'
import { actorOf, userOfBrowser, type Web } from '../../web-services.ts'
import { type ConsolePage, inConsole } from './console-page.ts'
import { withOfferedLinks } from './offered-links.ts'

/** The request that a page handler gets. */
export interface ConsoleCall {
  readonly ctx: Context
  readonly web: Web
  readonly user: SignedInUser
  readonly who: Principal
  readonly management: Management
  /** Path parameters: `/applications/:clientId`. */
  readonly params: Readonly<Record<string, string>>
  /** Empty unless a form was posted. */
  readonly form: Form
  readonly files: Files
  readonly query: Form
  /** The texts of the page in the language of the user. */
  readonly t: ConsoleTranslate
  show(page: ConsolePage): void
  /** Redirects to a path of the console after a POST (303), so that a reload does not repeat it. */
  goTo(path: string): void
}

/**
 * A page of the console. `docs/adr/0013-console.md` shows how to write one. `handle` is called only when the user has the
 * permission; an error it throws becomes an error page (`page-errors.ts`).
 */
export interface ConsoleRoute {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly permission: RequiredPermission
  /** Whether the page requires a recent sign-in, as its `permission` can too. It is checked before the page is shown, not only when its form is sent. */
  readonly recentSignIn?: boolean
  /** Its form is multipart and may carry files of together 320 KiB. */
  readonly takesFiles?: boolean
  /** Bytes that its form may have; absent: 64 KiB. */
  readonly largestForm?: number
  /** Whether the page is in every language of the console (`docs/adr/0042-german-console.md`); absent: in English only. */
  readonly isTranslated?: boolean
  /** The areas of console sessions that have the page; absent: none. */
  readonly sessionPages?: readonly ConsoleSessionPage[]
  handle(call: ConsoleCall): Promise<void>
}

/** A user in the console has all permissions of the role. */
export const principalOf = (user: SignedInUser, ctx: Context): Principal => ({
  role: user.role,
  accountId: user.accountId,
  userId: user.id,
  scopes: null,
  // A password alone is not a recent sign-in of somebody who has a second factor.
  signedInAt: user.lacksSecondFactor ? null : user.signedInAt,
  isAccountFixed: user.isAccountFixed,
  actor: { ...actorOf(ctx, user.id), ...(user.consoleSession && { through: user.consoleSession.clientId }) },
})

/** @throws KeywrightError `invalid_input` */
function queryOf(ctx: Context): Form {
  const entries = [...new URLSearchParams(ctx.querystring)]
  const query = new Map(entries)
  if (query.size !== entries.length) throw invalidInput('a query parameter occurs twice')
  return query
}

export function callOf(web: Web, ctx: Context, user: SignedInUser, isTranslated = false): ConsoleCall {
  const t = isTranslated ? translateConsoleFor(ctx) : undefined
  const who = principalOf(user, ctx)
  const access = user.consoleSession ? web.pageAccess.within(user.consoleSession.pages) : web.pageAccess
  return {
    ctx,
    web,
    user,
    who,
    management: web.management,
    params: ctx.params ?? {},
    form: ctx.state.form ?? new Map(),
    files: ctx.state.files ?? new Map(),
    query: queryOf(ctx),
    t: t ?? toConsoleEnglish(),
    show: (page) => web.show(ctx, inConsole(withOfferedLinks(page, who, access), ctx.query.notice, t)),
    goTo: (path) => seeOther(ctx, path),
  }
}

const FOR_WHOM: Readonly<Record<Role, string>> = {
  member: 'signed-in users',
  viewer: 'the viewers, developers and admins of an account',
  developer: 'the developers and admins of an account',
  admin: 'the admins of an account',
  operator: 'the operators of this instance',
}

/** @throws KeywrightError `forbidden` with a message for users */
function demandOf(who: Principal, permission: RequiredPermission): void {
  try {
    requirePermission(who, permission)
  } catch (error) {
    const message = `this page is for ${FOR_WHOM[permission.role]}, and you are signed in as ${/^[ao]/.test(who.role) ? 'an' : 'a'} ${who.role}`
    throw new KeywrightError('forbidden', message, { cause: error })
  }
}

/**
 * The path to return to after sign-in: the path itself, or for a path without a GET page the nearest parent
 * with one.
 */
function returnPath(ctx: Context, { method, path }: ConsoleRoute, shown: ReadonlySet<string>): string {
  if (method === 'get') return ctx.path + ctx.search
  const pattern = path.split('/')
  const segments = ctx.path.split('/')
  for (let length = pattern.length; length > 1; length--) {
    if (!shown.has(pattern.slice(0, length).join('/'))) continue
    return segments.slice(0, length).join('/') + (length === pattern.length ? ctx.search : '')
  }
  return '/'
}

/** @throws ConsoleSessionError */
function checkIncluded({ sessionPages = [] }: ConsoleRoute, { consoleSession }: SignedInUser): void {
  if (consoleSession && !sessionPages.some((page) => consoleSession.pages.includes(page)))
    throw new ConsoleSessionError('not_included', consoleSession)
}

/**
 * Redirects to the sign-in page and back. A posted form is kept during the sign-in.
 * @throws ConsoleSessionError: the session here was one that a service opened, and has ended
 */
async function askSignIn(web: Web, ctx: Context, route: ConsoleRoute, shown: ReadonlySet<string>): Promise<void> {
  const ended = readConsoleSession(ctx, web.management.encryptionKeys)
  if (ended) throw new ConsoleSessionError('ended', ended)
  const page = returnPath(ctx, route, shown)
  if (route.method === 'get') seeOther(ctx, signInPathTo(page))
  else await showSignInForForm(web, ctx, page)
}

/** @throws ConsoleSessionError: nobody signs in in a console session */
async function askConfirmation(
  web: Web,
  ctx: Context,
  route: ConsoleRoute,
  page: string,
  user: SignedInUser,
): Promise<void> {
  if (user.consoleSession) throw new ConsoleSessionError('not_recent', user.consoleSession)
  if (route.method === 'get') seeOther(ctx, confirmPathTo(page))
  else await showConfirmationForForm(web, ctx, page, user)
}

const isSignInMissing = (error: unknown): boolean =>
  error instanceof KeywrightError && error.code === 'insufficient_user_authentication'

async function handleRoute(route: ConsoleRoute, call: ConsoleCall): Promise<void> {
  if (route.recentSignIn || route.permission.recentSignIn) requireRecentSignIn(call.who, 'this')
  await route.handle(call)
}

/** Routes with authentication and permission checks. */
export function consoleRoutes(web: Web, routes: readonly ConsoleRoute[]): Router {
  const router = new Router()
  const shown = new Set(routes.filter(({ method }) => method === 'get').map(({ path }) => path))
  for (const route of routes) {
    router[route.method](route.path, async (ctx) => {
      const user = await userOfBrowser(web, ctx)
      if (!user) return await askSignIn(web, ctx, route, shown)
      checkIncluded(route, user)
      const call = callOf(web, ctx, user, route.isTranslated)
      demandOf(call.who, route.permission)
      await handleRoute(route, call).catch(async (error: unknown) => {
        if (!isSignInMissing(error)) throw error
        await askConfirmation(web, ctx, route, returnPath(ctx, route, shown), user)
      })
    })
  }
  return router
}
