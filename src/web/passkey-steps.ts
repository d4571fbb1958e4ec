import type { Context } from 'koa'
import type { SignInStep } from '../accounts/sign-in-progress.ts'
import type { PasskeyAttempt, PasskeySignInResult } from '../factors/passkey-sign-in.ts'
import { readBrowser } from './cookies.ts'
import { browserBinding } from './csrf.ts'
import type { Form } from './forms.ts'
import { type CodeState, secondFactorPage } from './second-factor-pages.ts'
import { showSlowedFactor } from './second-factor-steps.ts'
import type { PasskeyPrompt, SignInContext } from './sign-in-context.ts'
import { continueSignIn, signInPage, slowDown } from './sign-in-steps.ts'
import { currentUser, type Web, type WebServices } from './web-services.ts'

/** @param path where the response of the authenticator is posted to */
export const passkeyPrompt =
  ({ factors }: Pick<WebServices, 'factors'>, ctx: Context, path: string) =>
  (): PasskeyPrompt | undefined => {
    const request = factors.passkeys?.request(browserBinding(ctx))
    return request && { path, sealed: request.sealed, options: JSON.stringify(request.options) }
  }

const FAILURES = {
  refused: 'passkey.refused',
  malformed: 'passkey.malformed',
  expired: 'passkey.expired',
} as const

const STEP_FAILURES = {
  refused: 'factor.passkeyRefused',
  malformed: 'factor.passkeyMissing',
  expired: 'passkey.expired',
} as const

type Failed = Exclude<PasskeySignInResult, SignInStep>

/** After the password, the user stays on the page of the second factor. */
function showStepFailure(web: Web, ctx: Context, context: SignInContext, result: Failed, state: CodeState): void {
  if (result.outcome === 'slow_down') showSlowedFactor(web, ctx, context, state, result.retryAfter)
  else {
    const fieldError = context.t(STEP_FAILURES[result.outcome])
    web.show(ctx, secondFactorPage(context, { ...state, fieldError, status: 400 }))
  }
}

const prove = async ({ factors }: Web, attempt: PasskeyAttempt): Promise<PasskeySignInResult> =>
  (await factors.passkeys?.signIn.prove(attempt)) ?? { outcome: 'refused' }

/** The response of an authenticator was sent. */
export async function tryPasskey(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const ticket = form.get('ticket')
  const attempt = {
    ticket,
    challenge: form.get('challenge') ?? '',
    credential: form.get('credential') ?? '',
    boundTo: browserBinding(ctx),
    browser: readBrowser(ctx),
    ip: ctx.ip,
    requestId: ctx.state.requestId,
  }
  const result = await prove(web, attempt)
  if ('user' in result) return await continueSignIn(web, ctx, context, result)
  if (ticket !== undefined && result.choices)
    return showStepFailure(web, ctx, context, result, { ticket, choices: result.choices })
  const email = context.isConfirmation ? (await currentUser(web, ctx))?.email : undefined
  if (result.outcome === 'slow_down') return slowDown(web, ctx, context, email ?? '', result.retryAfter)
  web.show(ctx, signInPage(context, { email, fieldError: context.t(FAILURES[result.outcome]), status: 400 }))
}
