import type { Context } from 'koa'
import type { SecondFactorResult } from '../factors/second-factor-sign-in.ts'
import { readBrowser } from './cookies.ts'
import { browserBinding } from './csrf.ts'
import type { Form } from './forms.ts'
import { type CodeState, saveCodesPage, secondFactorPage } from './second-factor-pages.ts'
import { type SetUpRequest, setUpPageFor } from './set-up-page.ts'
import type { SignInContext } from './sign-in-context.ts'
import { continueSignIn, signInPage } from './sign-in-steps.ts'
import { originOf, type Web } from './web-services.ts'

const startAgain = (web: Web, ctx: Context, context: SignInContext): void =>
  web.show(ctx, signInPage(context, { fieldError: context.t('signIn.expired'), status: 400 }))

/** Says on the page of the second factor when the next attempt passes. @param retryAfter seconds */
export function showSlowedFactor(
  web: Web,
  ctx: Context,
  context: SignInContext,
  state: CodeState,
  retryAfter: number,
): void {
  ctx.set('Retry-After', String(retryAfter))
  const { t } = context
  const fieldError = t('common.tooManyAttempts', { wait: t.wait(retryAfter) })
  web.show(ctx, secondFactorPage(context, { ...state, fieldError, status: 429 }))
}

type Failed = Extract<SecondFactorResult, { outcome: 'refused' | 'slow_down' }>

function showFailure(web: Web, ctx: Context, context: SignInContext, form: Form, result: Failed): void {
  const { t } = context
  const state = { ticket: form.get('ticket') ?? '', choices: result.choices }
  if (result.outcome === 'slow_down') {
    showSlowedFactor(web, ctx, context, state, result.retryAfter)
  } else {
    const error = form.has('recovery_code')
      ? { recoveryError: t('factor.wrongRecoveryCode') }
      : { codeError: t('factor.wrongCode') }
    web.show(ctx, secondFactorPage(context, { ...state, ...error, status: 400 }))
  }
}

/** A form with a code of the second factor was sent. */
export async function tryCode(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const recoveryCode = form.get('recovery_code')
  const result = await web.factors.signIn.prove({
    ticket: form.get('ticket') ?? '',
    code: recoveryCode ?? form.get('code') ?? '',
    kind: recoveryCode === undefined ? 'totp' : 'recovery',
    browser: readBrowser(ctx),
    ...originOf(ctx),
  })
  if (result.outcome === 'expired') return startAgain(web, ctx, context)
  if (result.outcome === 'refused' || result.outcome === 'slow_down')
    return showFailure(web, ctx, context, form, result)
  await continueSignIn(web, ctx, context, result)
}

async function showSetUpAgain(web: Web, ctx: Context, context: SignInContext, state: SetUpRequest): Promise<void> {
  const page = await setUpPageFor(web, ctx, context, state)
  if (page) web.show(ctx, page)
  else startAgain(web, ctx, context)
}

/** A form with the first code of a new authenticator app was sent. */
export async function trySetUp(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const field = (name: string) => form.get(name) ?? ''
  const ticket = field('ticket')
  const sent = { offer: field('offer'), code: field('code'), name: context.t('security.app') }
  const attempt = { ticket, ...sent, ...originOf(ctx) }
  const result = await web.factors.setUp.confirm(attempt)
  if (result.outcome === 'expired') return startAgain(web, ctx, context)
  if (result.outcome === 'added') return web.show(ctx, saveCodesPage(context, result.ticket, result.codes))
  const state = { ticket, offer: result.offer, codeError: context.t('factor.wrongCode') }
  await showSetUpAgain(web, ctx, context, state)
}

const PASSKEY_FAILURES = { refused: 'setUpFactor.passkeyRefused', challenge_expired: 'passkey.expired' } as const

/** A form with a new passkey was sent. */
export async function tryPasskeySetUp(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const field = (name: string) => form.get(name) ?? ''
  const ticket = field('ticket')
  const sent = { challenge: field('challenge'), credential: field('credential'), boundTo: browserBinding(ctx) }
  const result = await web.factors.passkeys?.setUp.confirm({
    ticket,
    ...sent,
    name: context.t('security.passkey'),
    ...originOf(ctx),
  })
  if (!result || result.outcome === 'expired') return startAgain(web, ctx, context)
  if (result.outcome === 'added') return web.show(ctx, saveCodesPage(context, result.ticket, result.codes))
  const state = { ticket, offer: field('offer'), fieldError: context.t(PASSKEY_FAILURES[result.outcome]) }
  await showSetUpAgain(web, ctx, context, state)
}

/** The user has saved the recovery codes. */
export async function finishSetUp(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const finished = await web.factors.setUp.finish(form.get('ticket') ?? '')
  if (!finished || !(await web.flow.once(finished.id, finished.expiresAt))) return startAgain(web, ctx, context)
  await continueSignIn(web, ctx, context, finished.step)
}
