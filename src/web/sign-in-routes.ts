import Router from '@koa/router'
import type { Context } from 'koa'
import type { SignInRequest } from '../accounts/sign-in-challenges.ts'
import type { UpstreamTarget } from '../identity-providers/upstream-state.ts'
import type { Translate } from '../languages/translator.ts'
import { isRecent } from '../management/recent-sign-in.ts'
import { forgetConsoleSession } from './console-session-cookie.ts'
import { browserBinding } from './csrf.ts'
import { identityLinkPage } from './identity-link-page.ts'
import { type OfferedLink, offeredLink } from './identity-link-steps.ts'
import { fieldsToKeep, type InterruptedForm, openInterruptedForm, sealInterruptedForm } from './interrupted-forms.ts'
import { CONNECT_PATH, OWN_ACCOUNT } from './own-paths.ts'
import type { Page } from './page.ts'
import { translateFor } from './page-language.ts'
import { passkeyPrompt, tryPasskey } from './passkey-steps.ts'
import {
  completeAtProduct,
  continueFromProduct,
  goToProduct,
  leadsToProduct,
  productOf,
} from './product-sign-in-steps.ts'
import { ownPath } from './return-to.ts'
import { finishSetUp, tryCode, tryPasskeySetUp, trySetUp } from './second-factor-steps.ts'
import type { SignInContext } from './sign-in-context.ts'
import { needsOwnSignIn, type SignedInUser } from './sign-in-directory.ts'
import { forgotPathOf, signInPage, tryChoosePassword, trySignIn } from './sign-in-steps.ts'
import { finishProvider, providerOffers, stateOfResponse, targetsOf, tryProvider } from './upstream-steps.ts'
import { currentUser, originOf, type Web } from './web-services.ts'

export const signInPathTo = (path: string): string => `/signin?return_to=${encodeURIComponent(path)}`

export const confirmPathTo = (path: string): string => `/signin/confirm?return_to=${encodeURIComponent(path)}`

const productPathTo = (returnTo: string, isConfirmation: boolean): string =>
  `/signin/product?return_to=${encodeURIComponent(returnTo)}${isConfirmation ? '&confirm=yes' : ''}`

/** What goes through the sign-in page, beside the name and the password. */
interface SignInParameters {
  readonly returnTo: string
  /** Sealed, as `sealInterruptedForm` made it. */
  readonly interrupted?: string | undefined
  /** Whether somebody who is signed in proves that it is still they. */
  readonly isConfirmation?: boolean
  /** An identity at a provider that is connected afterwards, sealed. */
  readonly link?: string | undefined
}

/** The form is shown once more before anything is done: its user may be another one now. */
const continuePage = (t: Translate, { path, page, fields, hadFile }: InterruptedForm): Page => ({
  view: 'continue-form',
  title: t('continueForm.title'),
  data: { path, page, fields, hadFile },
})

/** Asks a user who is signed in. */
export function showLinkQuestion(
  web: Web,
  ctx: Context,
  {
    link,
    returnTo,
    skipPath = returnTo,
    ...offered
  }: OfferedLink & { link: string; returnTo: string; skipPath?: string },
): void {
  const fields = { link, return_to: returnTo }
  web.show(ctx, identityLinkPage(translateFor(ctx), { ...offered, action: '/signin/link', fields, skipPath }))
}

async function contextOf(web: Web, ctx: Context, parameters: SignInParameters): Promise<SignInContext> {
  const { returnTo, interrupted, isConfirmation = false, link } = parameters
  const t = translateFor(ctx)
  const all = await providerOffers(web, ctx)
  const isOwnNeeded =
    isConfirmation && returnTo.startsWith(OWN_ACCOUNT) && ctx.state.user && needsOwnSignIn(ctx.state.user)
  const offers = isOwnNeeded ? { ...all, providers: [], isRouted: false } : all
  return {
    t,
    signInPath: '/signin',
    passwordPath: '/signin/password',
    factorPath: '/signin/factor',
    passkey: passkeyPrompt(web, ctx, '/signin/passkey'),
    // Operators do not sign in at the product.
    product: ctx.state.user?.role === 'operator' ? undefined : productOf(web, productPathTo(returnTo, isConfirmation)),
    forgotPath: forgotPathOf(web),
    returnTo,
    interrupted,
    isConfirmation,
    providerPath: '/signin/provider',
    offers,
    formTargets: targetsOf(offers),
    link,
    async finish(ctx, login) {
      await web.flow.signIn(ctx, login)
      forgetConsoleSession(ctx)
      const offered = await offeredLink(web, ctx, link, login)
      if (offered) return showLinkQuestion(web, ctx, { ...offered, link: link!, returnTo })
      const form = interrupted && openInterruptedForm(web.management.encryptionKeys, interrupted)
      if (form && (form.userId ?? login.userId) === login.userId) web.show(ctx, continuePage(t, form))
      else seeOther(ctx, returnTo)
    },
  }
}

/** The parameters that a form of the sign-in page was on. */
function parametersIn(ctx: Context): SignInParameters {
  const { form } = ctx.state
  return {
    returnTo: ownPath(form.get('return_to')),
    interrupted: form.get('interrupted') || undefined,
    isConfirmation: form.has('confirmation'),
    link: form.get('link') || undefined,
  }
}

/** @param user who is signed in and must prove that it is still they */
const requestFor = (ctx: Context, returnTo: string, user?: SignedInUser): SignInRequest => ({
  returnTo,
  uiLocales: translateFor(ctx).language.code,
  isForced: user !== undefined,
  ...(user && { userId: user.id, loginHint: user.email }),
})

/** After a POST, so that going back and loading anew repeat nothing. */
export function seeOther(ctx: Context, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}

/** @param page where the form that was posted can be filled in */
function parametersOfForm({ management }: Web, ctx: Context, page: string, userId: string | null): SignInParameters {
  const { form, files } = ctx.state
  const interrupted = sealInterruptedForm(management.encryptionKeys, {
    path: ctx.path + ctx.search,
    page,
    fields: fieldsToKeep(form),
    userId,
    hadFile: (files?.size ?? 0) > 0,
  })
  return { returnTo: page, interrupted }
}

/** Answers a form of somebody whose session has ended: what they typed is kept while they sign in. */
export async function showSignInForForm(web: Web, ctx: Context, page: string): Promise<void> {
  const parameters = parametersOfForm(web, ctx, page, null)
  const context = await contextOf(web, ctx, parameters)
  const fieldError = context.t('signIn.sessionExpired')
  if (parameters.interrupted) web.show(ctx, signInPage(context, { fieldError, status: 401 }))
  else seeOther(ctx, signInPathTo(page))
}

/** Answers a form that takes a recent sign-in of somebody who is signed in: it is kept while they prove it is still they. */
export async function showConfirmationForForm(
  web: Web,
  ctx: Context,
  page: string,
  user: { id: string; email: string },
): Promise<void> {
  const parameters = { ...parametersOfForm(web, ctx, page, user.id), isConfirmation: true }
  if (parameters.interrupted)
    web.show(ctx, signInPage(await contextOf(web, ctx, parameters), { email: user.email, status: 401 }))
  else seeOther(ctx, confirmPathTo(page))
}

/** Shows the sign-in page, also to a user who is signed in in this browser. */
export async function showSignIn(web: Web, ctx: Context, returnTo: string, email: string): Promise<void> {
  web.show(ctx, signInPage(await contextOf(web, ctx, { returnTo }), { email }))
}

const parametersOf = ({ returnTo, interrupted, confirms }: UpstreamTarget): SignInParameters => ({
  returnTo: ownPath(returnTo),
  interrupted,
  isConfirmation: confirms !== undefined,
})

const SIGN_IN_STEPS = [
  ['/signin', trySignIn],
  ['/signin/passkey', tryPasskey],
  ['/signin/provider', tryProvider],
  ['/signin/password', tryChoosePassword],
  ['/signin/factor', tryCode],
  ['/signin/factor/setup', trySetUp],
  ['/signin/factor/setup/passkey', tryPasskeySetUp],
  ['/signin/factor/finish', finishSetUp],
] as const

/** Signing in without an application having asked. */
export function signInRoutes(web: Web): Router {
  const router = new Router()

  router.get('/signin', async (ctx) => {
    const returnTo = ownPath(ctx.query.return_to)
    if (await currentUser(web, ctx)) ctx.redirect(returnTo)
    else if (leadsToProduct(web, ctx)) goToProduct(web, ctx, requestFor(ctx, returnTo))
    else web.show(ctx, signInPage(await contextOf(web, ctx, { returnTo })))
  })

  router.get('/signin/confirm', async (ctx) => {
    const returnTo = ownPath(ctx.query.return_to)
    const user = await currentUser(web, ctx)
    if (!user) return seeOther(ctx, signInPathTo(returnTo))
    if (user.role !== 'operator' && leadsToProduct(web, ctx))
      return goToProduct(web, ctx, requestFor(ctx, returnTo, user))
    web.show(ctx, signInPage(await contextOf(web, ctx, { returnTo, isConfirmation: true }), { email: user.email }))
  })

  router.get('/signin/product', async (ctx) => {
    const returnTo = ownPath(ctx.query.return_to)
    if (web.signInUrl() === null) return seeOther(ctx, signInPathTo(returnTo))
    const user = ctx.query.confirm === 'yes' ? await currentUser(web, ctx) : undefined
    goToProduct(web, ctx, requestFor(ctx, returnTo, user))
  })

  router.get('/signin/product/return', async (ctx) => {
    const { result, returnTo = '/' } = await completeAtProduct(web, ctx, {})
    const context = await contextOf(web, ctx, { returnTo: ownPath(returnTo) })
    await continueFromProduct(web, ctx, context, result, { signInPath: signInPathTo(context.returnTo!) })
  })

  for (const [path, step] of SIGN_IN_STEPS)
    router.post(path, async (ctx) => step(web, ctx, await contextOf(web, ctx, parametersIn(ctx)), ctx.state.form))

  router.get('/signin/callback/:providerId', async (ctx) => {
    const target = stateOfResponse(web, ctx)?.target
    // The cookie of an interaction is sent to its paths only.
    if (target?.connects !== undefined) return seeOther(ctx, `${CONNECT_PATH}/${ctx.params.providerId}${ctx.search}`)
    if (target?.uid !== undefined)
      return seeOther(ctx, `/interaction/${target.uid}/callback/${ctx.params.providerId}${ctx.search}`)
    const context = await contextOf(web, ctx, target ? parametersOf(target) : { returnTo: '/' })
    await finishProvider(web, ctx, context, (link) => contextOf(web, ctx, { returnTo: context.returnTo!, link }))
  })

  router.post('/signin/link', async (ctx) => {
    const { form } = ctx.state
    const user = await currentUser(web, ctx)
    const returnTo = ownPath(form.get('return_to'))
    // Who answers for one account only, or proved a password without the second factor, does not change how the user signs in.
    const isOwn = user && !user.isAccountFixed && !user.lacksSecondFactor && !needsOwnSignIn(user)
    const who = isOwn && isRecent(user) ? { userId: user.id, since: Number(user.sessionsValidFrom) } : undefined
    const ticket = form.get('link') ?? ''
    if (who && (await web.upstream.confirmLink(ticket, browserBinding(ctx), who, originOf(ctx))))
      return seeOther(ctx, returnTo)
    const context = await contextOf(web, ctx, { returnTo })
    web.show(ctx, signInPage(context, { fieldError: context.t('upstream.expired'), status: 400 }))
  })

  return router
}
