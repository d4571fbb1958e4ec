import Router from '@koa/router'
import type { Context } from 'koa'
import { type Language, languageOf } from '../languages/languages.ts'
import { LANGUAGE_PATH, selectLanguage } from './page-language.ts'
import { ownPath } from './return-to.ts'
import { seeOther } from './sign-in-routes.ts'
import { actorOf, currentUser, type Web } from './web-services.ts'

/** The page without the `ui_locales` of its address, over which the user's selection wins. */
function pageWithoutUiLocales(path: string): string {
  const url = new URL(path, 'https://own.invalid')
  if (!url.searchParams.has('ui_locales')) return path
  url.searchParams.delete('ui_locales')
  return url.pathname + url.search + url.hash
}

/** Whether another site sent the browser here: it must not choose for the user. */
const isFromOtherSite = (ctx: Context): boolean => ['cross-site', 'same-site'].includes(ctx.get('sec-fetch-site'))

/**
 * Whether a page of this site sent the browser here, which a browser says that knows Fetch Metadata. Without it, `Referer` shows it:
 * another site can leave it out, but not make it up.
 */
function isFromThisSite(ctx: Context, issuer: string): boolean {
  const site = ctx.get('sec-fetch-site')
  if (site) return site === 'same-origin'
  const host = URL.parse(ctx.get('referer'))?.host
  return host !== undefined && (host === ctx.host || host === URL.parse(issuer)?.host)
}

/** A GET request changes the language of a user only where no other site can have caused it. */
async function keepForUser(web: Web, ctx: Context, { code }: Language): Promise<void> {
  if (!isFromThisSite(ctx, web.issuerUrl())) return
  const user = await currentUser(web, ctx)
  if (!user || user.language === code) return
  await web.directory.keepLanguage({ userId: user.id, language: code }, actorOf(ctx, user.id))
}

/** Selects a language by a link, which works without scripts, and goes back to the page. */
export function languageRoutes(web: Web): Router {
  const router = new Router()
  router.get(LANGUAGE_PATH, async (ctx) => {
    const language = languageOf(String(ctx.query.to))
    if (language && !isFromOtherSite(ctx)) {
      await keepForUser(web, ctx, language)
      selectLanguage(ctx, language)
    }
    seeOther(ctx, pageWithoutUiLocales(ownPath(ctx.query.return_to)))
  })
  return router
}
