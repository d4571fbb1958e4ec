import Router from '@koa/router'
import type { Context } from 'koa'
import type { SignInRequest } from '../accounts/sign-in-challenges.ts'
import { KeywrightError } from '../shared/errors.ts'
import { allowPage } from './consent-page.ts'
import { answerWithin, finishWithin } from './identity-link-steps.ts'
import { formTargets } from './page-headers.ts'
import { setUiLocales, setUserLanguage, translateFor } from './page-language.ts'
import { passkeyPrompt, tryPasskey } from './passkey-steps.ts'
import {
  completeAtProduct,
  continueFromProduct,
  goToProduct,
  leadsToProduct,
  productOf,
} from './product-sign-in-steps.ts'
import { finishSetUp, tryCode, tryPasskeySetUp, trySetUp } from './second-factor-steps.ts'
import type { ProviderOffers, SignInContext } from './sign-in-context.ts'
import type { Application, WebUser } from './sign-in-directory.ts'
import type { Interaction } from './sign-in-flow.ts'
import { seeOther } from './sign-in-routes.ts'
import { forgotPathOf, signInPage, tryChoosePassword, trySignIn } from './sign-in-steps.ts'
import { finishProvider, providerOffers, targetsOf, tryProvider } from './upstream-steps.ts'
import type { Web } from './web-services.ts'

/** An interaction with whom it is about. */
interface Asked {
  readonly interaction: Interaction
  readonly application: Application
  /** Who is signed in in this browser and may act. */
  readonly user: WebUser | undefined
  readonly path: string
  readonly context: SignInContext
  /** Shows pages in the accent of the application. */
  readonly web: Web
}

const over = () => new KeywrightError('invalid_grant', 'this sign-in has expired or was started in another browser')

function contextOf(
  web: Web,
  ctx: Context,
  { interaction, application, path }: Omit<Asked, 'user' | 'context' | 'web'>,
  offers: ProviderOffers,
  link?: string,
): SignInContext {
  const { maxAge } = interaction
  const context: SignInContext = {
    t: translateFor(ctx),
    signInPath: `${path}/sign-in`,
    passwordPath: `${path}/password`,
    factorPath: `${path}/factor`,
    demandsSecondFactor: interaction.demandsSecondFactor,
    passkey: passkeyPrompt(web, ctx, `${path}/passkey`),
    product: productOf(web, `${path}/product`),
    forgotPath: forgotPathOf(web),
    cancelPath: `${path}/deny`,
    application: application.name,
    applicationLogo: (application.isTrusted && application.logo) || undefined,
    formTargets: [...new Set([...formTargets(interaction.redirectUri), ...targetsOf(offers)])],
    providerPath: `${path}/provider`,
    offers,
    uid: interaction.uid,
    returnTo: path,
    loginHint: interaction.loginHint,
    maxAge: interaction.isForced ? 0 : maxAge,
    link,
    finish: (ctx, login) => finishWithin(web, ctx, context, login),
  }
  return context
}

const withAccent = (web: Web, accent: string | null): Web =>
  accent === null ? web : { ...web, show: (ctx, page) => web.show(ctx, { ...page, accent }) }

/** @param link as in `SignInContext`; absent: that of the form @throws KeywrightError `invalid_grant` */
async function find(web: Web, ctx: Context, link?: string): Promise<Asked> {
  const interaction = await web.flow.find(ctx, ctx.params.uid)
  const application = interaction && (await web.directory.application(interaction.clientId))
  if (!interaction || !application) throw over()
  const path = `/interaction/${encodeURIComponent(interaction.uid)}`
  const user = interaction.userId ? await web.directory.user(interaction.userId) : undefined
  setUiLocales(ctx, interaction.uiLocales)
  setUserLanguage(ctx, user?.language ?? null)
  const asked = { interaction, application, user, path }
  const accented = withAccent(web, application.accent)
  const inForm: string | undefined = ctx.state.form?.get('link')
  return {
    ...asked,
    context: contextOf(accented, ctx, asked, await providerOffers(web, ctx), link ?? (inForm || undefined)),
    web: accented,
  }
}

function requestOf({ interaction, user }: Asked): SignInRequest {
  const { uid, clientId, loginHint, uiLocales, acrValues, maxAge, prompt } = interaction
  // From the page that asks for consent, a user signs in as another one.
  const isForced = interaction.isForced || interaction.isReauthentication || prompt === 'consent'
  return {
    uid,
    clientId,
    isForced,
    ...(interaction.isReauthentication && user && { userId: user.id }),
    ...(loginHint !== undefined && { loginHint }),
    ...(uiLocales !== undefined && { uiLocales }),
    ...(acrValues !== undefined && { acrValues }),
    ...(maxAge !== undefined && { maxAge }),
  }
}

/** Why the page is shown again. */
interface Again {
  /** Somebody else has signed in in this browser since the page was shown. */
  readonly userChanged?: boolean
  readonly accountMissing?: boolean
}

async function showAsked(ctx: Context, asked: Asked, again: Again = {}): Promise<void> {
  const { interaction, application, user, path, context, web } = asked
  if (interaction.prompt === 'login' || !user) {
    if (leadsToProduct(web, ctx)) return goToProduct(web, ctx, requestOf(asked))
    const present = interaction.isReauthentication ? user?.email : undefined
    return web.show(ctx, signInPage(context, { email: interaction.loginHint ?? present }))
  }
  const texts = await web.directory.scopeTexts(interaction.wanted.apis, context.t.language.code)
  const { userChanged = false, accountMissing = false } = again
  const question = { interaction, application, user, texts, path, userChanged, accountMissing }
  web.show(ctx, allowPage({ t: context.t, ...question }))
}

/** The user said yes, to the page that named them. */
async function allow(web: Web, ctx: Context): Promise<void> {
  const asked = await find(web, ctx)
  const { interaction, path } = asked
  if (interaction.prompt !== 'consent' || !interaction.userId) return seeOther(ctx, path)
  const { form } = ctx.state
  if (form.get('user') !== interaction.userId) return await showAsked(ctx, asked, { userChanged: true })
  const chosen = form.get('account')
  const { accountChoice: choice } = interaction
  const accountMissing = choice !== undefined && !choice.accounts.some(({ accountId }) => accountId === chosen)
  if (accountMissing) return await showAsked(ctx, asked, { accountMissing })
  await web.flow.allow(ctx, interaction.uid, chosen)
}

const SIGN_IN_STEPS = [
  ['/sign-in', trySignIn],
  ['/passkey', tryPasskey],
  ['/provider', tryProvider],
  ['/password', tryChoosePassword],
  ['/factor', tryCode],
  ['/factor/setup', trySetUp],
  ['/factor/setup/passkey', tryPasskeySetUp],
  ['/factor/finish', finishSetUp],
] as const

/** What an application's request leads a user through. */
export function interactionRoutes(web: Web): Router {
  const router = new Router({ prefix: '/interaction/:uid' })

  router.get('/', async (ctx) => showAsked(ctx, await find(web, ctx)))
  router.post('/allow', (ctx) => allow(web, ctx))

  for (const [path, step] of SIGN_IN_STEPS) {
    router.post(path, async (ctx) => {
      const asked = await find(web, ctx)
      await step(asked.web, ctx, asked.context, ctx.state.form)
    })
  }

  router.get('/product', async (ctx) => {
    const asked = await find(web, ctx)
    if (web.signInUrl() === null) seeOther(ctx, asked.path)
    else goToProduct(web, ctx, requestOf(asked))
  })

  router.get('/product/return', async (ctx) => {
    const asked = await find(web, ctx)
    const { uid, demandsSecondFactor } = asked.interaction
    const { result } = await completeAtProduct(web, ctx, { uid, demandsSecondFactor })
    const reject = (error: string, description?: string) => web.flow.reject(ctx, uid, error, description)
    await continueFromProduct(asked.web, ctx, asked.context, result, { signInPath: asked.path, reject })
  })

  router.get('/callback/:providerId', async (ctx) => {
    const asked = await find(web, ctx)
    await finishProvider(asked.web, ctx, asked.context, async (link) => (await find(web, ctx, link)).context)
  })

  router.post('/link', async (ctx) => {
    const { web: accented, context, interaction } = await find(web, ctx)
    await answerWithin(accented, ctx, context, interaction.uid)
  })

  router.post('/switch', async (ctx) => {
    const asked = await find(web, ctx)
    asked.web.show(ctx, signInPage(asked.context))
  })

  router.post('/deny', async (ctx) => {
    const { interaction } = await find(web, ctx)
    await web.flow.deny(ctx, interaction.uid)
  })

  return router
}
