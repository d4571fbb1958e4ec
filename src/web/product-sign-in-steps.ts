import type { Context } from 'koa'
import type { ReturnedSignIn } from '../accounts/sign-in-at-product.ts'
import type { SignInRequest } from '../accounts/sign-in-challenges.ts'
import { SIGN_IN_CHALLENGE_PARAMETER } from '../clients/redirect-uris.ts'
import type { Translate } from '../languages/translator.ts'
import { readBrowser, readCookie, writeCookie } from './cookies.ts'
import { browserBinding } from './csrf.ts'
import { messagePage, signInOverPage } from './messages.ts'
import type { Page } from './page.ts'
import { translateFor } from './page-language.ts'
import type { SignInContext } from './sign-in-context.ts'
import { continueSignIn } from './sign-in-steps.ts'
import type { Web } from './web-services.ts'

/** Set while a user is at the product. A browser that comes back without an answer gets a page with all ways to sign in. */
const AT_PRODUCT = 'kw_at_product'

/** Milliseconds. */
const AT_PRODUCT_FOR = 10 * 60_000

/** Characters of a parameter of an application that the product receives. */
const LONGEST = 500

/** Where the user goes on to the product; undefined: users sign in here. */
export function productOf(web: Web, path: string): SignInContext['product'] {
  const host = URL.parse(web.signInUrl() ?? '')?.host
  return host ? { path, host } : undefined
}

/** Whether the user goes to the product at once. `?with=password` shows the page instead. */
export const leadsToProduct = (web: Web, ctx: Context): boolean =>
  web.signInUrl() !== null && ctx.query.with !== 'password' && readCookie(ctx, AT_PRODUCT) === undefined

const bounded = (text: string | undefined): string | undefined => text?.slice(0, LONGEST).toWellFormed()

/** Redirects the browser to the product, with a challenge that only this browser can use. */
export function goToProduct(web: Web, ctx: Context, request: SignInRequest): void {
  const loginHint = bounded(request.loginHint)
  const uiLocales = bounded(request.uiLocales)
  const acrValues = bounded(request.acrValues)
  const challenge = web.signInAtProduct.challenge(
    {
      ...request,
      ...(loginHint !== undefined && { loginHint }),
      ...(uiLocales !== undefined && { uiLocales }),
      ...(acrValues !== undefined && { acrValues }),
    },
    browserBinding(ctx),
  )
  const url = new URL(web.signInUrl()!)
  url.searchParams.set(SIGN_IN_CHALLENGE_PARAMETER, challenge)
  writeCookie(ctx, AT_PRODUCT, '1', AT_PRODUCT_FOR)
  ctx.status = 303
  ctx.redirect(url.href)
}

/** Completes what the product answered. @param uid the interaction that waits for it; absent: none does */
export async function completeAtProduct(
  web: Web,
  ctx: Context,
  { uid, demandsSecondFactor = false }: { readonly uid?: string; readonly demandsSecondFactor?: boolean },
) {
  const returned = {
    answer: typeof ctx.query.answer === 'string' ? ctx.query.answer : '',
    boundTo: browserBinding(ctx),
    browser: readBrowser(ctx),
    ip: ctx.ip,
    requestId: ctx.state.requestId,
    demandsSecondFactor,
    ...(uid !== undefined && { uid }),
  }
  const completed = await web.signInAtProduct.complete(returned)
  writeCookie(ctx, AT_PRODUCT, '')
  return completed
}

function rejectedPage(t: Translate, signInPath: string): Page {
  const withPassword = `${signInPath}${signInPath.includes('?') ? '&' : '?'}with=password`
  return messagePage({
    title: t('productSignIn.rejected'),
    status: 403,
    paragraphs: [t('productSignIn.rejectedText')],
    actions: [
      { label: t('common.tryAgain'), href: signInPath },
      { label: t('productSignIn.password'), href: withPassword },
    ],
  })
}

/**
 * Goes on with the sign-in, or says why not.
 * @param reject hands a rejection on to the application; absent: a page says so, with a link to `signInPath`
 */
export async function continueFromProduct(
  web: Web,
  ctx: Context,
  context: SignInContext,
  result: ReturnedSignIn,
  how: { readonly signInPath: string; readonly reject?: (error: string, description?: string) => Promise<void> },
): Promise<void> {
  if ('user' in result) return await continueSignIn(web, ctx, context, result)
  const t = translateFor(ctx)
  if (result.outcome !== 'rejected') return web.show(ctx, signInOverPage(t))
  if (how.reject) return await how.reject(result.error, result.description)
  web.show(ctx, rejectedPage(t, how.signInPath))
}
