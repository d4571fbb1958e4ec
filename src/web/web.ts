import Router, { type Layer } from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import compose from 'koa-compose'
import { checkRequest } from '../http/request-check.ts'
import { createJoining } from '../management/joining.ts'
import { apiDocsRoutes } from './api-docs/docs-page.ts'
import { type Assets, sendImage } from './assets.ts'
import type { Brand } from './brand.ts'
import { CONSOLE_ROUTES } from './console/console-routes.ts'
import { type ConsoleRoute, consoleRoutes } from './console/kit/console-route.ts'
import { createPageAccess } from './console/kit/page-access.ts'
import { allowFrameOfSession } from './console-session-cookie.ts'
import { consoleSessionOpening } from './console-session-opening.ts'
import { checkCsrf, refuseOtherSites } from './csrf.ts'
import { demoRoutes } from './demo-application.ts'
import { emailLinkRoutes } from './email-link-routes.ts'
import { type Files, type Form, readForm, readUpload } from './forms.ts'
import { homeRoutes } from './home-page.ts'
import { interactionRoutes } from './interaction-routes.ts'
import { invitationRoutes } from './invitation-routes.ts'
import { languageRoutes } from './language-routes.ts'
import { accountRoutes } from './own-account-routes.ts'
import { ownAddressRoutes } from './own-address-routes.ts'
import { ownIdentityRoutes } from './own-identity-routes.ts'
import { renderErrors } from './page-errors.ts'
import type { Pages } from './pages.ts'
import { passwordLinkRoutes } from './password-link-routes.ts'
import { securityRoutes } from './security-routes.ts'
import { sessionRoutes } from './session-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { signOutRoutes } from './sign-out-routes.ts'
import { switchAccountRoutes } from './switch-account-routes.ts'
import { handleUnmatched } from './unknown-routes.ts'
import type { Web, WebServices } from './web-services.ts'

type ReadSentForm = (ctx: Context) => Promise<{ form: Form; files?: Files }>

/** Reads a form as its route declares. */
function formReaderOf(routes: readonly ConsoleRoute[]): ReadSentForm {
  const posted = new Map(routes.filter(({ method }) => method === 'post').map((route) => [route.path, route]))
  return async (ctx) => {
    const layers = (ctx.matched ?? []) as Layer[]
    const layer = layers.find(({ path, methods }) => methods.includes('POST') && posted.has(String(path)))
    const route = layer && posted.get(String(layer.path))
    return route?.takesFiles ? await readUpload(ctx) : { form: await readForm(ctx, route?.largestForm) }
  }
}

/** Before any route: rejects malformed requests, and forms that fail the origin check or the CSRF check. */
function guardForms({ issuerUrl }: WebServices, readSent: ReadSentForm): Middleware {
  return async (ctx, next) => {
    checkRequest(ctx)
    if (ctx.method === 'POST') {
      refuseOtherSites(ctx, issuerUrl())
      Object.assign(ctx.state, await readSent(ctx))
      checkCsrf(ctx, ctx.state.form)
    }
    ctx.set('Cache-Control', 'no-store')
    await next()
  }
}

/** What pages load. */
function assetRoutes(assets: Assets, { directory }: WebServices): Router {
  const router = new Router()
  router.get('/logos/:clientId/:etag', async (ctx) => {
    checkRequest(ctx)
    const logo = await directory.logo(ctx.params.clientId!, ctx.params.etag!)
    if (logo) sendImage(ctx, logo)
  })
  router.get('/assets/:version/:name', (ctx) => assets.serve(ctx, ctx.params.version!, ctx.params.name!))
  return router
}

function pageRoutes(web: Web, routes: readonly ConsoleRoute[]): Router {
  const router = new Router()
  router.use(guardForms(web, formReaderOf(routes)) as never)
  const demo = demoRoutes(web, web.directory.demoScopesOf)
  const signIn = [
    interactionRoutes(web),
    signInRoutes(web),
    signOutRoutes(web),
    languageRoutes(web),
    consoleSessionOpening(web),
  ]
  const links = [passwordLinkRoutes(web), emailLinkRoutes(web), invitationRoutes(web)]
  const own = [
    homeRoutes(web),
    accountRoutes(web),
    sessionRoutes(web),
    switchAccountRoutes(web),
    securityRoutes(web),
    ownIdentityRoutes(web),
    ownAddressRoutes(web),
    apiDocsRoutes(web),
    demo,
  ]
  for (const part of [...signIn, ...links, ...own, consoleRoutes(web, routes)]) router.use(part.routes())
  return router
}

const refreshBrand = (brand: Brand) => async (_: Context, next: Next) => {
  await brand.refresh()
  await next()
}

/** Serves the pages, and responds to every request that no other interface answered. */
export function createWeb(
  services: WebServices,
  { brand, assets, show }: Pages,
  consolePages: readonly ConsoleRoute[] = CONSOLE_ROUTES,
): Middleware {
  const { knex, encryptionKeys } = services.management
  const joining = createJoining({
    knex,
    encryptionKeys,
    tickets: services.joinTickets,
    sendsMail: services.management.mail !== undefined,
  })
  const signInUrl = () => brand.current().signInUrl
  const web: Web = {
    ...services,
    joining,
    show,
    signInUrl,
    reloadBrand: brand.invalidate,
    pageAccess: createPageAccess(consolePages),
  }
  const routes = [assetRoutes(assets, services), pageRoutes(web, consolePages)].map((router) =>
    router.routes(),
  ) as unknown as Middleware[]
  const allowFrame: Middleware = (ctx, next) => {
    allowFrameOfSession(ctx, services.management.encryptionKeys)
    return next()
  }
  return compose([refreshBrand(brand), allowFrame, renderErrors(show, brand), ...routes, handleUnmatched(web)])
}
