import Router from '@koa/router'
import type { Context } from 'koa'
import type { SentPasskey } from '../factors/own-passkeys.ts'
import { notFound } from '../shared/errors.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { browserBinding } from './csrf.ts'
import {
  addFactorPage,
  addPasskeyPage,
  passkeyRemovalPage,
  recoveryCodesPage,
  removalPage,
  renewalPage,
} from './factor-pages.ts'
import { ownAddress } from './own-address-pages.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { translateFor } from './page-language.ts'
import { type PersonalStep, recentlySignedIn, signedIn } from './personal-steps.ts'
import { securityPage } from './security-page.ts'
import { sessionsBlock } from './sessions-section.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { seeOther } from './sign-in-routes.ts'
import { loginOf } from './sign-in-steps.ts'
import { actorOf, type Web } from './web-services.ts'

/** @param failed what the user tried to do, and why it failed */
export async function showSecurity(
  web: Web,
  ctx: Context,
  user: SignedInUser,
  failed?: { readonly problem: string; readonly status: number },
): Promise<void> {
  const t = translateFor(ctx)
  const page = securityPage(t, {
    address: ownAddress(web, user),
    factors: await web.factors.own.read(user.id),
    identities: await web.upstream.own.read(user.id),
    sessions: sessionsBlock(t, await web.directory.sessions(user.id), user.sessionId),
    offersPasskeys: web.factors.passkeys !== undefined,
    problem: failed?.problem,
  })
  web.show(ctx, inOwnAccount(t, { ...page, ...(failed && { status: failed.status }) }, ctx.query.notice))
}

const askApp =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, await addFactorPage(t, await web.factors.own.offer(user))))
  }

const addApp =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const field = (name: string) => ctx.state.form.get(name) ?? ''
    const sent = { offer: field('offer'), name: field('name'), code: field('code') }
    const result = await web.factors.own.add(user, sent, actorOf(ctx, user.id))
    if (result.outcome === 'expired') return seeOther(ctx, SECURITY_PATH)
    if (result.outcome === 'refused') {
      const t = translateFor(ctx)
      return web.show(ctx, inOwnAccount(t, await addFactorPage(t, result.offer, { ...result, name: sent.name })))
    }
    await showAdded(web, ctx, user, { codes: result.codes, amr: ['otp', 'mfa'], notice: 'added' })
  }

interface Added {
  readonly codes: readonly string[]
  readonly amr: readonly string[]
  readonly notice: string
}

/** With the first factor, which completes the sign-in with the password, which was recent, come recovery codes. */
async function showAdded(web: Web, ctx: Context, user: SignedInUser, { codes, amr, notice }: Added): Promise<void> {
  if (codes.length === 0) return seeOther(ctx, `${SECURITY_PATH}?notice=${notice}`)
  // A session outlives the factor that it began with, so both may have the same methods.
  const login = loginOf(user, [...new Set([...user.amr, ...amr])])
  await web.flow.signIn(ctx, { ...login, signedInAt: user.signedInAt })
  const t = translateFor(ctx)
  web.show(ctx, inOwnAccount(t, recoveryCodesPage(t, codes), notice))
}

/** Passkeys of this server. @throws KeywrightError `not_found`: browsers offer none at its address */
function passkeysOf({ factors }: Web) {
  if (!factors.passkeys) throw notFound('passkeys', 'at an address without a host name')
  return factors.passkeys.own
}

const askPasskey =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, addPasskeyPage(t, await passkeysOf(web).offer(user, browserBinding(ctx)))))
  }

const addPasskey =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const field = (name: string) => ctx.state.form.get(name) ?? ''
    const boundTo = browserBinding(ctx)
    const sent: SentPasskey = {
      challenge: field('challenge'),
      credential: field('credential'),
      name: field('name'),
      boundTo,
    }
    const result = await passkeysOf(web).add(user, sent, actorOf(ctx, user.id))
    if (result.outcome === 'expired') return seeOther(ctx, SECURITY_PATH)
    if (result.outcome === 'added') return await showAdded(web, ctx, user, { ...result, notice: 'passkey-added' })
    const t = translateFor(ctx)
    const refused = { name: sent.name, hasWrongName: result.outcome === 'wrong_name' }
    const offer = await passkeysOf(web).offer(user, boundTo)
    web.show(ctx, inOwnAccount(t, addPasskeyPage(t, offer, refused)))
  }

const askPasskeyRemoval =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { apps, passkeys } = await web.factors.own.read(user.id)
    const passkey = passkeys.find(({ id }) => id === ctx.params.id)
    if (!passkey) throw notFound('passkey', 'with this id')
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, passkeyRemovalPage(t, passkey, apps.length + passkeys.length === 1)))
  }

const removePasskey =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    await web.factors.own.remove(user.id, ctx.params.id, actorOf(ctx, user.id))
    seeOther(ctx, `${SECURITY_PATH}?notice=passkey-removed`)
  }

const askRemoval =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const { apps, passkeys } = await web.factors.own.read(user.id)
    const app = apps.find(({ id }) => id === ctx.params.id)
    if (!app) throw notFound('authenticator app', 'with this id')
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, removalPage(t, app, apps.length + passkeys.length === 1)))
  }

const removeApp =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    await web.factors.own.remove(user.id, ctx.params.id, actorOf(ctx, user.id))
    seeOther(ctx, `${SECURITY_PATH}?notice=removed`)
  }

const askRenewal =
  (web: Web): PersonalStep =>
  async (ctx) => {
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, renewalPage(t)))
  }

const renewCodes =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const codes = await web.factors.own.renewRecoveryCodes(user, actorOf(ctx, user.id))
    if (!codes) return seeOther(ctx, SECURITY_PATH)
    const t = translateFor(ctx)
    web.show(ctx, inOwnAccount(t, recoveryCodesPage(t, codes)))
  }

/** How somebody signs in to their account. Each change takes a recent sign-in. */
export function securityRoutes(web: Web): Router {
  const router = new Router({ prefix: SECURITY_PATH })
  router.get(
    '/',
    signedIn(web, (ctx, user) => showSecurity(web, ctx, user)),
  )
  router.get('/apps', recentlySignedIn(web, askApp(web)))
  router.post('/apps', recentlySignedIn(web, addApp(web)))
  router.get('/apps/:id/remove', recentlySignedIn(web, askRemoval(web)))
  router.post('/apps/:id/remove', recentlySignedIn(web, removeApp(web)))
  router.get('/passkeys', recentlySignedIn(web, askPasskey(web)))
  router.post('/passkeys', recentlySignedIn(web, addPasskey(web)))
  router.get('/passkeys/:id/remove', recentlySignedIn(web, askPasskeyRemoval(web)))
  router.post('/passkeys/:id/remove', recentlySignedIn(web, removePasskey(web)))
  router.get('/recovery-codes', recentlySignedIn(web, askRenewal(web)))
  router.post('/recovery-codes', recentlySignedIn(web, renewCodes(web)))
  return router
}
