import type { Context } from 'koa'
import type { UpstreamFailure, UpstreamResult } from '../identity-providers/upstream-results.ts'
import type { UpstreamTarget } from '../identity-providers/upstream-state.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import { readBrowser } from './cookies.ts'
import { browserBinding } from './csrf.ts'
import type { Form } from './forms.ts'
import type { ProviderOffers, SignInContext } from './sign-in-context.ts'
import { continueSignIn, signInPage } from './sign-in-steps.ts'
import { currentUser, originOf, type Web, type WebServices } from './web-services.ts'

/** What the sign-in page offers beside passwords and passkeys; read once for a request. */
export async function providerOffers(
  { upstream }: Pick<WebServices, 'upstream'>,
  ctx: Context,
): Promise<ProviderOffers> {
  ctx.state.providerOffers ??= await upstream.offers()
  return ctx.state.providerOffers
}

/** The sources that a form of a page with these offers may lead to: Chromium applies `form-action` to redirects. */
export const targetsOf = ({ providers, isRouted, hasLoopback }: ProviderOffers): string[] => [
  ...(providers.length > 0 || isRouted ? ['https:'] : []),
  ...(hasLoopback ? ['http://localhost:*', 'http://127.0.0.1:*'] : []),
]

const FAILURES = {
  expired: 'upstream.expired',
  disabled: 'upstream.disabled',
  unavailable: 'upstream.unavailable',
  denied: 'upstream.denied',
  invalid: 'upstream.invalid',
  unknown: 'upstream.unknown',
  inactive: 'upstream.unknown',
  not_fresh: 'upstream.notFresh',
  other_user: 'upstream.otherUser',
  connected: 'upstream.connected',
  connected_elsewhere: 'upstream.connectedElsewhere',
} as const satisfies Record<Exclude<UpstreamFailure, 'slow_down'>, MessageKey>

/** @param retryAfter seconds */
export function failureText(t: Translate, failure: UpstreamFailure, provider: string, retryAfter: number): string {
  if (failure === 'slow_down') return t('common.tooManyAttempts', { wait: t.wait(retryAfter) })
  const key = FAILURES[failure]
  return key === 'upstream.expired' || key === 'upstream.disabled' ? t(key) : t(key, { provider })
}

export const FAILURE_STATUS: Partial<Record<UpstreamFailure, number>> = {
  unavailable: 503,
  slow_down: 429,
  unknown: 403,
  inactive: 403,
}

export interface Failed {
  readonly failure: UpstreamFailure
  readonly providerName?: string
  readonly retryAfter?: number
}

/** The user stays on the sign-in page, with every other way to sign in. */
async function showFailure(web: Web, ctx: Context, context: SignInContext, failed: Failed): Promise<void> {
  const { failure, providerName = '', retryAfter = 1 } = failed
  if (failure === 'slow_down') ctx.set('Retry-After', String(retryAfter))
  const fieldError = failureText(context.t, failure, providerName, retryAfter)
  const email = context.isConfirmation ? (await currentUser(web, ctx))?.email : undefined
  web.show(ctx, signInPage(context, { email, fieldError, status: FAILURE_STATUS[failure] ?? 400 }))
}

/** A provider was selected, or an email address was entered whose domain names one. */
export async function tryProvider(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const email = form.get('email')?.trim() || undefined
  const providerId = form.get('provider') ?? (email && (await web.upstream.providerOf(email)))
  if (!providerId) {
    const { t } = context
    const emailError = email ? t('upstream.noProvider') : t('signIn.enterEmail')
    return web.show(ctx, signInPage(context, { email, emailError, status: 400 }))
  }
  const target = await targetOf(web, ctx, context)
  const loginHint = email ?? context.loginHint
  const result = await web.upstream.begin({ providerId, boundTo: browserBinding(ctx), target, loginHint })
  if (!(result instanceof URL)) return await showFailure(web, ctx, context, result)
  ctx.status = 303
  ctx.redirect(result.href)
}

async function targetOf(web: Web, ctx: Context, context: SignInContext): Promise<UpstreamTarget> {
  const { uid, returnTo = '/', interrupted, isConfirmation, demandsSecondFactor = false, maxAge } = context
  const confirms = isConfirmation ? (await currentUser(web, ctx))?.id : undefined
  const age = isConfirmation ? 0 : maxAge
  return {
    returnTo,
    demandsSecondFactor,
    ...(uid !== undefined && { uid }),
    ...(interrupted && { interrupted }),
    ...(confirms !== undefined && { confirms }),
    ...(age !== undefined && { maxAge: age }),
  }
}

/** The state of the response in this request. Undefined: it belongs to another browser or provider, or has expired. */
export const stateOfResponse = ({ upstream }: Web, ctx: Context) => upstream.stateOf(responseOf(ctx))

/** Uses the response in this request. */
export const finishResponse = ({ upstream, flow }: Web, ctx: Context): Promise<UpstreamResult> =>
  upstream.finish(responseOf(ctx), flow.once)

const responseOf = (ctx: Context) => ({
  providerId: String(ctx.params.providerId),
  parameters: new URLSearchParams(ctx.querystring),
  boundTo: browserBinding(ctx),
  browser: readBrowser(ctx),
  ...originOf(ctx),
})

/** The response of a provider has arrived in the browser. */
export async function finishProvider(
  web: Web,
  ctx: Context,
  context: SignInContext,
  linking: (ticket: string) => Promise<SignInContext>,
): Promise<void> {
  const result: UpstreamResult = await finishResponse(web, ctx)
  if (result.outcome === 'continue') return await continueSignIn(web, ctx, context, result.step)
  if (result.outcome === 'failed') return await showFailure(web, ctx, context, result)
  // It was begun by a user who connects an identity, and comes back to another path.
  if (result.outcome === 'connect') return await showFailure(web, ctx, context, { failure: 'expired' })
  const linkContext = await linking(result.ticket)
  const fieldError = linkContext.t('upstream.linkFirst', { provider: result.providerName })
  web.show(ctx, signInPage(linkContext, { email: result.email, fieldError }))
}
