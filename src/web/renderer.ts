import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import type { Context } from 'koa'
import { translateLayoutTo } from '../languages/console/console-translator.ts'
import { LANGUAGES } from '../languages/languages.ts'
import { translateTo } from '../languages/translator.ts'
import { type Assets, accentName } from './assets.ts'
import type { Brand } from './brand.ts'
import { shellOf } from './console/kit/navigation.ts'
import { sessionShellOf } from './console/kit/session-navigation.ts'
import { csrfToken } from './csrf.ts'
import type { Page, Show } from './page.ts'
import { embedOriginOf, setPageHeaders, withSignIn } from './page-headers.ts'
import { languageLinks, translateFor } from './page-language.ts'

const VIEWS = fileURLToPath(new URL('../../views/', import.meta.url))

export const createTemplates = () => new Eta({ views: VIEWS, cache: true, autoEscape: true })

/** What the layout needs of the instance. */
function siteOf(brand: Brand, assets: Assets, accent: string | undefined) {
  const { name, logo, signInText } = brand.current()
  const styles = ['keywright.css', accent ? accentName(accent) : 'brand.css'].map(assets.urlOf)
  const icon = assets.urlOf(logo ? 'logo' : 'icon.svg')
  const scripts = ['submit.js', 'console.js'].map(assets.urlOf)
  const passkeyScript = assets.urlOf('passkeys.js')
  const keyScript = assets.urlOf('key-generator.js')
  return { name, styles, scripts, passkeyScript, keyScript, icon, logo: logo ? icon : undefined, signInText }
}

/** What the layout needs of the language. Errors and pages in a fixed language offer no other. */
function textsOf(ctx: Context, { language, languages = language ? [] : LANGUAGES, isPassing, status = 200 }: Page) {
  const t = language ? translateTo(language) : translateFor(ctx)
  const gettext = translateLayoutTo(t.language)
  ctx.set('Content-Language', t.language.code)
  if (languages.length > 0) ctx.vary(['Accept-Language', 'Cookie'])
  return { t, gettext, languages: status < 400 && !isPassing ? languageLinks(ctx, languages) : [] }
}

export function createRenderer(brand: Brand, assets: Assets): Show {
  const templates = createTemplates()
  return (ctx, page) => {
    const site = siteOf(brand, assets, page.accent)
    const csrf = () => csrfToken(ctx)
    const texts = textsOf(ctx, page)
    const shell = () => shellOf(texts.gettext, ctx.state.user, ctx.path)
    const session = sessionShellOf(texts.gettext, ctx.state.user, ctx.path)
    const origin = embedOriginOf(ctx)
    const embed = origin && { origin, script: assets.urlOf('embedded.js') }
    const data = { ...page.data, ...texts, embed, title: page.title, site, csrf, shell, session }
    const html = templates.render(page.view, data)
    setPageHeaders(ctx, { ...page, formTargets: withSignIn(page.formTargets, brand.current().signInUrl) })
    if (page.status) ctx.status = page.status
    ctx.type = 'html'
    ctx.body = html
  }
}
