import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import type { Assets } from './assets.ts'
import type { Brand } from './brand.ts'
import { shellOf } from './console/kit/navigation.ts'
import { csrfToken } from './csrf.ts'
import type { Show } from './page.ts'
import { setPageHeaders } from './page-headers.ts'

const VIEWS = fileURLToPath(new URL('../../views/', import.meta.url))

export const createTemplates = () => new Eta({ views: VIEWS, cache: true, autoEscape: true })

/** What the layout needs of the instance. */
function siteOf(brand: Brand, assets: Assets) {
  const { name, logo, signInText } = brand.current()
  const styles = ['keywright.css', 'brand.css'].map(assets.urlOf)
  const icon = assets.urlOf(logo ? 'logo' : 'icon.svg')
  const scripts = ['submit.js', 'console.js'].map(assets.urlOf)
  const passkeyScript = assets.urlOf('passkeys.js')
  return { name, styles, scripts, passkeyScript, icon, logo: logo ? icon : undefined, signInText }
}

export function createRenderer(brand: Brand, assets: Assets): Show {
  const templates = createTemplates()
  return (ctx, page) => {
    const site = siteOf(brand, assets)
    const csrf = () => csrfToken(ctx)
    const shell = () => shellOf(ctx.state.user, ctx.path)
    const html = templates.render(page.view, { ...page.data, title: page.title, site, csrf, shell })
    setPageHeaders(ctx, page)
    if (page.status) ctx.status = page.status
    ctx.type = 'html'
    ctx.body = html
  }
}
