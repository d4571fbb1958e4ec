import Router from '@koa/router'
import { notFound } from '../shared/errors.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { translateFor } from './page-language.ts'
import { type PersonalStep, signedIn } from './personal-steps.ts'
import { otherSessionsEndPage, SESSIONS_PATH, sessionEndPage } from './sessions-section.ts'
import { seeOther, signInPathTo } from './sign-in-routes.ts'
import { actorOf, type Web } from './web-services.ts'

const noSuchSession = () => notFound('session', 'with this id')

const askEnd =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const sessions = await web.directory.sessions(user.id)
    const session = sessions.find(({ id }) => id === ctx.params.id)
    if (!session) throw noSuchSession()
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, sessionEndPage(t, session)))
  }

const end =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const ended = await web.flow.endSession(user.id, ctx.params.id, actorOf(ctx, user.id))
    if (!ended) throw noSuchSession()
    seeOther(ctx, `${SECURITY_PATH}?notice=session-ended`)
  }

const askEndOthers =
  (web: Web): PersonalStep =>
  async (ctx) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, otherSessionsEndPage(t)))
  }

const endOthers =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { id: userId, amr, signedInAt } = user
    const isDone = await web.flow.endOtherSessions(ctx, { userId, amr, signedInAt }, actorOf(ctx, userId))
    seeOther(ctx, isDone ? `${SECURITY_PATH}?notice=others-ended` : signInPathTo(SECURITY_PATH))
  }

/** Where a user is signed in. Ending a session only protects the user, so it takes no recent sign-in. */
export function sessionRoutes(web: Web): Router {
  const router = new Router({ prefix: SESSIONS_PATH })
  router.get('/others', signedIn(web, askEndOthers(web)))
  router.post('/others', signedIn(web, endOthers(web)))
  router.get('/:id/end', signedIn(web, askEnd(web)))
  router.post('/:id/end', signedIn(web, end(web)))
  return router
}
