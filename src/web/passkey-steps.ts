import type { Context } from 'koa'
import { readBrowser } from './cookies.ts'
import { browserBinding } from './csrf.ts'
import type { Form } from './forms.ts'
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

/** The response of an authenticator was sent. */
export async function tryPasskey(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const attempt = {
    challenge: form.get('challenge') ?? '',
    credential: form.get('credential') ?? '',
    boundTo: browserBinding(ctx),
    browser: readBrowser(ctx),
    ip: ctx.ip,
    requestId: ctx.state.requestId,
  }
  const result = (await web.factors.passkeys?.signIn.prove(attempt)) ?? { outcome: 'refused' as const }
  if ('user' in result) return await continueSignIn(web, ctx, context, result)
  const email = context.isConfirmation ? (await currentUser(web, ctx))?.email : undefined
  if (result.outcome === 'slow_down') return slowDown(web, ctx, context, email ?? '', result.retryAfter)
  web.show(ctx, signInPage(context, { email, fieldError: context.t(FAILURES[result.outcome]), status: 400 }))
}
