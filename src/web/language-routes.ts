import Router from '@koa/router'
import type { Context } from 'koa'
import { languageOf } from '../languages/languages.ts'
import { LANGUAGE_PATH, selectLanguage } from './page-language.ts'
import { ownPath } from './return-to.ts'
import { seeOther } from './sign-in-routes.ts'

/** The page without the `ui_locales` of its address, over which the user's selection wins. */
function pageWithoutUiLocales(path: string): string {
  const url = new URL(path, 'https://own.invalid')
  if (!url.searchParams.has('ui_locales')) return path
  url.searchParams.delete('ui_locales')
  return url.pathname + url.search + url.hash
}

/** Whether another site sent the browser here: it must not choose for the user. */
const isFromOtherSite = (ctx: Context): boolean => ['cross-site', 'same-site'].includes(ctx.get('sec-fetch-site'))

/** Selects a language by a link, which works without scripts, and goes back to the page. */
export function languageRoutes(): Router {
  const router = new Router()
  router.get(LANGUAGE_PATH, (ctx) => {
    const language = languageOf(String(ctx.query.to))
    if (language && !isFromOtherSite(ctx)) selectLanguage(ctx, language)
    seeOther(ctx, pageWithoutUiLocales(ownPath(ctx.query.return_to)))
  })
  return router
}
