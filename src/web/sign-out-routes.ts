import Router from '@koa/router'
import { forgetConsoleSession, readConsoleSession } from './console-session-cookie.ts'
import { browserBinding } from './csrf.ts'
import { seeOther } from './sign-in-routes.ts'
import { leadToProvider } from './upstream-sign-out-steps.ts'
import type { Web } from './web-services.ts'

const SIGNED_OUT = '/?notice=signed-out'

/** Signing out without an application having asked, and the way back from an identity provider. */
export function signOutRoutes(web: Web): Router {
  const router = new Router()
  const lead = leadToProvider(web.upstreamSignOut, web.show)

  router.post('/signout', async (ctx) => {
    const session = readConsoleSession(ctx, web.management.encryptionKeys)
    if (session) await web.flow.consoleSessions.end(session.id)
    const identity = session ? undefined : await web.flow.signOut(ctx)
    forgetConsoleSession(ctx)
    if (identity && (await lead(ctx, identity, SIGNED_OUT))) return
    seeOther(ctx, SIGNED_OUT)
  })

  router.get('/signout/callback/:providerId', (ctx) => {
    const of = { providerId: String(ctx.params.providerId), browser: browserBinding(ctx) }
    const next = web.upstreamSignOut.nextOf(String(ctx.query.state ?? ''), of)
    ctx.status = 303
    // As it was registered: Koa would write it again.
    ctx.set('Location', next ?? SIGNED_OUT)
  })

  return router
}
