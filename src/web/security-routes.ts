import Router from '@koa/router'
import { notFound } from '../shared/errors.ts'
import { inConsole } from './console/kit/console-page.ts'
import { ownAddress } from './own-address-pages.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { type PersonalStep, recentlySignedIn, signedIn } from './personal-steps.ts'
import { addFactorPage, recoveryCodesPage, removalPage, renewalPage, securityPage } from './security-page.ts'
import { seeOther } from './sign-in-routes.ts'
import { loginOf } from './sign-in-steps.ts'
import { actorOf, type Web } from './web-services.ts'

const showSecurity =
  (web: Web): PersonalStep =>
  async (ctx, user) =>
    web.show(ctx, inConsole(securityPage(ownAddress(web, user), await web.factors.own.read(user.id)), ctx.query.notice))

const askApp =
  (web: Web): PersonalStep =>
  async (ctx, user) =>
    web.show(ctx, inConsole(await addFactorPage(await web.factors.own.offer(user))))

const addApp =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const field = (name: string) => ctx.state.form.get(name) ?? ''
    const sent = { offer: field('offer'), name: field('name'), code: field('code') }
    const result = await web.factors.own.add(user, sent, actorOf(ctx, user.id))
    if (result.outcome === 'over') return seeOther(ctx, SECURITY_PATH)
    if (result.outcome === 'refused')
      return web.show(ctx, inConsole(await addFactorPage(result.offer, sent.name, result)))
    if (result.codes.length === 0) return seeOther(ctx, `${SECURITY_PATH}?notice=added`)
    // The first factor: its code completes the sign-in with the password, which was recent.
    const login = loginOf(user, [...user.amr, 'otp', 'mfa'])
    await web.flow.signIn(ctx, { ...login, signedInAt: user.signedInAt })
    web.show(ctx, inConsole(recoveryCodesPage(result.codes), 'added'))
  }

const askRemoval =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { apps } = await web.factors.own.read(user.id)
    const app = apps.find(({ id }) => id === ctx.params.id)
    if (!app) throw notFound('authenticator app', 'with this id')
    web.show(ctx, inConsole(removalPage(app, apps.length === 1)))
  }

const removeApp =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    await web.factors.own.remove(user.id, ctx.params.id, actorOf(ctx, user.id))
    seeOther(ctx, `${SECURITY_PATH}?notice=removed`)
  }

const askRenewal =
  (web: Web): PersonalStep =>
  async (ctx) =>
    web.show(ctx, inConsole(renewalPage()))

const renewCodes =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const codes = await web.factors.own.renewRecoveryCodes(user.id, actorOf(ctx, user.id))
    if (codes) web.show(ctx, inConsole(recoveryCodesPage(codes)))
    else seeOther(ctx, SECURITY_PATH)
  }

/** How somebody signs in to their account. Each change takes a recent sign-in. */
export function securityRoutes(web: Web): Router {
  const router = new Router({ prefix: SECURITY_PATH })
  router.get('/', signedIn(web, showSecurity(web)))
  router.get('/apps', recentlySignedIn(web, askApp(web)))
  router.post('/apps', recentlySignedIn(web, addApp(web)))
  router.get('/apps/:id/remove', recentlySignedIn(web, askRemoval(web)))
  router.post('/apps/:id/remove', recentlySignedIn(web, removeApp(web)))
  router.get('/recovery-codes', recentlySignedIn(web, askRenewal(web)))
  router.post('/recovery-codes', recentlySignedIn(web, renewCodes(web)))
  return router
}
