import Router from '@koa/router'
import type { Context } from 'koa'
import { notFound } from '../shared/errors.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { browserBinding } from './csrf.ts'
import { connectPage, disconnectPage } from './own-identity-pages.ts'
import { CONNECT_PATH, IDENTITIES_PATH, SECURITY_PATH } from './own-paths.ts'
import { translateFor } from './page-language.ts'
import { type PersonalStep, recentlySignedIn } from './personal-steps.ts'
import { showSecurity } from './security-routes.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { seeOther, showLinkQuestion } from './sign-in-routes.ts'
import {
  FAILURE_STATUS,
  type Failed,
  failureText,
  finishResponse,
  providerOffers,
  stateOfResponse,
} from './upstream-steps.ts'
import { actorOf, type Web } from './web-services.ts'

const askProvider =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { connectable } = await web.upstream.own.read(user.id)
    if (connectable.length === 0) return seeOther(ctx, SECURITY_PATH)
    const t = translateFor(ctx)
    const offers = { ...(await providerOffers(web, ctx)), providers: connectable }
    web.show(ctx, inOwnAccount(t, connectPage(t, offers)))
  }

async function showFailure(web: Web, ctx: Context, user: SignedInUser, failed: Failed): Promise<void> {
  const { failure, providerName = '', retryAfter = 1 } = failed
  if (failure === 'slow_down') ctx.set('Retry-After', String(retryAfter))
  const problem = failureText(translateFor(ctx), failure, providerName, retryAfter)
  await showSecurity(web, ctx, user, { problem, status: FAILURE_STATUS[failure] ?? 400 })
}

const goToProvider =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const providerId = ctx.state.form.get('provider') ?? ''
    const { connectable } = await web.upstream.own.read(user.id)
    if (!connectable.some(({ id }) => id === providerId))
      return await showFailure(web, ctx, user, { failure: 'disabled' })
    const target = { returnTo: SECURITY_PATH, connects: user.id, demandsSecondFactor: false }
    const result = await web.upstream.begin({ providerId, boundTo: browserBinding(ctx), target })
    if (!(result instanceof URL)) return await showFailure(web, ctx, user, result)
    seeOther(ctx, result.href)
  }

/** The provider has sent the browser back. The user sees who they are there, before anything is connected. */
const askConnection =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    if (stateOfResponse(web, ctx)?.target.connects !== user.id)
      return await showFailure(web, ctx, user, { failure: 'expired' })
    const result = await finishResponse(web, ctx)
    if (result.outcome === 'failed') return await showFailure(web, ctx, user, result)
    const ticket = result.outcome === 'connect' ? result.ticket : ''
    const linked = await web.upstream.linkOf(ticket, browserBinding(ctx), user.id)
    if (!linked) return await showFailure(web, ctx, user, { failure: 'expired' })
    const { providerName: provider, username } = linked
    const returnTo = `${SECURITY_PATH}?notice=identity-connected`
    showLinkQuestion(web, ctx, {
      provider,
      username,
      email: user.email,
      link: ticket,
      returnTo,
      skipPath: SECURITY_PATH,
    })
  }

const askDisconnection =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { identities } = await web.upstream.own.read(user.id)
    const identity = identities.find(({ id }) => id === ctx.params.id)
    if (!identity) throw notFound('identity', 'with this id')
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, disconnectPage(t, identity, identity.id === user.identityId)))
  }

const disconnect =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    await web.upstream.own.remove(user.id, ctx.params.id, actorOf(ctx, user.id))
    seeOther(ctx, `${SECURITY_PATH}?notice=identity-disconnected`)
  }

/** Who somebody is at identity providers. Each change takes a recent sign-in. */
export function ownIdentityRoutes(web: Web): Router {
  const router = new Router()
  router.get(CONNECT_PATH, recentlySignedIn(web, askProvider(web)))
  router.post(CONNECT_PATH, recentlySignedIn(web, goToProvider(web)))
  router.get(`${CONNECT_PATH}/:providerId`, recentlySignedIn(web, askConnection(web)))
  router.get(`${IDENTITIES_PATH}/:id/disconnect`, recentlySignedIn(web, askDisconnection(web)))
  router.post(`${IDENTITIES_PATH}/:id/disconnect`, recentlySignedIn(web, disconnect(web)))
  return router
}
