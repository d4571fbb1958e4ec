import Router from '@koa/router'
import type { Context } from 'koa'
import { type Management, type RequiredPermission, requirePermission } from '../../../management/operation.ts'
import type { Principal } from '../../../management/principal.ts'
import { requireRecentSignIn } from '../../../management/recent-sign-in.ts'
import { invalidInput, KeywrightError } from '../../../shared/errors.ts'
import type { Files, Form } from '../../forms.ts'
import type { SignedInUser } from '../../sign-in-directory.ts'
import {
  confirmPathTo,
  seeOther,
  showConfirmationForForm,
  showSignInForForm,
  signInPathTo,
} from '../../sign-in-routes.ts'
import { actorOf, currentUser, type Web } from '../../web-services.ts'
import { type ConsolePage, inConsole } from './console-page.ts'

/** What a page's handle works with. */
export interface ConsoleCall {
  readonly ctx: Context
  readonly web: Web
  readonly person: SignedInUser
  readonly who: Principal
  readonly management: Management
  /** Of the path: `/applications/:clientId`. */
  readonly params: Readonly<Record<string, string>>
  /** Empty unless a form was posted. */
  readonly form: Form
  readonly files: Files
  readonly query: Form
  show(page: ConsolePage): void
  /** After a form was done: goes to a path of the console, so that loading anew repeats nothing. */
  goTo(path: string): void
}

/**
 * A page of the console. `docs/adr/0013-console.md` shows how one is written. Whoever may not see it never reaches
 * `handle`; what `handle` throws becomes a page (`page-errors.ts`).
 */
export interface ConsoleRoute {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly permission: RequiredPermission
  /** Whether it takes a sign-in of the last minutes: asked for before the page is shown, not only when its form is sent. */
  readonly recentSignIn?: boolean
  /** Its form is multipart and may carry files of together 320 KiB. */
  readonly takesFiles?: boolean
  handle(call: ConsoleCall): Promise<void>
}

/** A person in the console may do whatever their role may. */
export const principalOf = (person: SignedInUser, ctx: Context): Principal => ({
  role: person.role,
  accountId: person.accountId,
  userId: person.id,
  scopes: null,
  signedInAt: person.signedInAt,
  actor: actorOf(ctx, person.id),
})

/** @throws KeywrightError `invalid_input` */
function queryOf(ctx: Context): Form {
  const entries = [...new URLSearchParams(ctx.querystring)]
  const query = new Map(entries)
  if (query.size !== entries.length) throw invalidInput('a query parameter occurs twice')
  return query
}

export const callOf = (web: Web, ctx: Context, person: SignedInUser): ConsoleCall => ({
  ctx,
  web,
  person,
  who: principalOf(person, ctx),
  management: web.management,
  params: ctx.params ?? {},
  form: ctx.state.form ?? new Map(),
  files: ctx.state.files ?? new Map(),
  query: queryOf(ctx),
  show: (page) => web.show(ctx, inConsole(page, ctx.query.notice)),
  goTo: (path) => seeOther(ctx, path),
})

const FOR_WHOM = {
  member: 'signed-in users',
  admin: 'the admins of an account',
  operator: 'the operators of this instance',
} as const

/** @throws KeywrightError `forbidden`, in words for people */
function demandOf(who: Principal, permission: RequiredPermission): void {
  try {
    requirePermission(who, permission)
  } catch (error) {
    const message = `this page is for ${FOR_WHOM[permission.role]}, and you are signed in as ${who.role === 'member' ? 'a' : 'an'} ${who.role}`
    throw new KeywrightError('forbidden', message, { cause: error })
  }
}

/**
 * Where somebody goes after they have signed in: the address itself, or where it takes only forms, the nearest above it
 * that can be shown.
 */
function wayBack(ctx: Context, { method, path }: ConsoleRoute, shown: ReadonlySet<string>): string {
  if (method === 'get') return ctx.path + ctx.search
  const pattern = path.split('/')
  const segments = ctx.path.split('/')
  for (let length = pattern.length; length > 1; length--) {
    if (!shown.has(pattern.slice(0, length).join('/'))) continue
    return segments.slice(0, length).join('/') + (length === pattern.length ? ctx.search : '')
  }
  return '/'
}

/** Sends somebody to sign in, and back; a form that they posted comes with them. */
function askSignIn(web: Web, ctx: Context, route: ConsoleRoute, shown: ReadonlySet<string>): void {
  const page = wayBack(ctx, route, shown)
  if (route.method === 'get') seeOther(ctx, signInPathTo(page))
  else showSignInForForm(web, ctx, page)
}

function askConfirmation(web: Web, ctx: Context, route: ConsoleRoute, page: string, person: SignedInUser): void {
  if (route.method === 'get') seeOther(ctx, confirmPathTo(page))
  else showConfirmationForForm(web, ctx, page, person)
}

const isSignInMissing = (error: unknown): boolean =>
  error instanceof KeywrightError && error.code === 'insufficient_user_authentication'

async function handleRoute(route: ConsoleRoute, call: ConsoleCall): Promise<void> {
  if (route.recentSignIn) requireRecentSignIn(call.who, 'this')
  await route.handle(call)
}

/** Who is not signed in is sent to do so, and back; who may not, is told. */
export function consoleRoutes(web: Web, routes: readonly ConsoleRoute[]): Router {
  const router = new Router()
  const shown = new Set(routes.filter(({ method }) => method === 'get').map(({ path }) => path))
  for (const route of routes) {
    router[route.method](route.path, async (ctx) => {
      const person = await currentUser(web, ctx)
      if (!person) return askSignIn(web, ctx, route, shown)
      const call = callOf(web, ctx, person)
      demandOf(call.who, route.permission)
      await handleRoute(route, call).catch((error: unknown) => {
        if (!isSignInMissing(error)) throw error
        askConfirmation(web, ctx, route, wayBack(ctx, route, shown), person)
      })
    })
  }
  return router
}
