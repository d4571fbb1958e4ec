import Router from '@koa/router'
import { translateLayoutTo } from '../../languages/console/console-translator.ts'
import { ENGLISH } from '../../languages/languages.ts'
import { MANAGEMENT_API } from '../../management/management-scopes.ts'
import { inConsole } from '../console/kit/console-page.ts'
import { createTemplates } from '../renderer.ts'
import { currentUser, type Web } from '../web-services.ts'
import { docsView, shapeAnchor } from './docs-view.ts'
import type { ApiDocument } from './openapi-document.ts'

/** The part of the page that is the same for everybody, drawn when it is first asked for. */
function drawnOnce(web: Web): () => Promise<string> {
  let drawn: string | undefined
  async function draw(): Promise<string> {
    // Interfaces share no types. The OpenAPI standard defines the content.
    const view = docsView((await web.apiDocument()) as ApiDocument)
    const data = { ...view, resource: MANAGEMENT_API, shapeAnchor, gettext: translateLayoutTo(ENGLISH) }
    return createTemplates().render('api-docs/body', data)
  }
  return async () => {
    drawn ??= await draw()
    return drawn
  }
}

const HEAD = {
  title: 'API documentation',
  lead: 'REST API for everything in this console. JSON over HTTPS, with OAuth access tokens.',
}

/** What a program can do, for users to read; also for who is not signed in. */
export function apiDocsRoutes(web: Web): Router {
  const router = new Router()
  const draw = drawnOnce(web)
  router.get('/api/v1/docs', async (ctx) => {
    const user = await currentUser(web, ctx)
    const frame = user ? '/console/layout' : '/api-docs/layout'
    web.show(ctx, inConsole({ ...HEAD, view: 'api-docs/page', data: { frame, drawn: await draw() } }))
  })
  return router
}
