import type { Context } from 'koa'
import { WeakPasswordError } from '../accounts/passwords.ts'
import type { SignInStep } from '../accounts/sign-in-progress.ts'
import type { SignInElsewhere } from '../accounts/sign-in-tickets.ts'
import type { User } from '../accounts/users.ts'
import type { Translate } from '../languages/translator.ts'
import { KeywrightError } from '../shared/errors.ts'
import { readBrowser, writeBrowser } from './cookies.ts'
import { type Form, passwordField, signInEmailField } from './forms.ts'
import { invitationPath } from './invitation-paths.ts'
import {
  hasErrors,
  type NewPasswordErrors,
  newPasswordErrors,
  newPasswordFields,
  passwordProblem,
} from './new-password-fields.ts'
import type { Page } from './page.ts'
import { secondFactorPage } from './second-factor-pages.ts'
import { setUpPageFor } from './set-up-page.ts'
import type { SignInContext } from './sign-in-context.ts'
import type { Login } from './sign-in-flow.ts'
import { sentence } from './to-sentence.ts'
import { actorOf, type Web } from './web-services.ts'

const FORGOT_PATH = '/password/forgot'

export const forgotPathOf = ({ management }: Pick<Web, 'management'>): string | undefined =>
  management.mail && FORGOT_PATH

interface SignInState {
  readonly email?: string
  /** Said above the form. */
  readonly fieldError?: string
  readonly emailError?: string
  readonly passwordError?: string
  readonly status?: number
}

/** Who has just signed in. @param amr how (RFC 8176) @param elsewhere what somebody else stated of the sign-in */
export const loginOf = (
  { id, sessionsValidFrom }: Pick<User, 'id' | 'sessionsValidFrom'>,
  amr: readonly string[],
  { acr, authenticatedAt, account, identity }: SignInElsewhere = {},
): Login => ({
  userId: id,
  since: sessionsValidFrom,
  amr,
  ...(acr !== undefined && { acr }),
  ...(authenticatedAt !== undefined && { authenticatedAt: new Date(authenticatedAt) }),
  ...(account && { account }),
  ...(identity && { identity }),
})

function confirmPage(context: SignInContext, state: SignInState): Page {
  const { t } = context
  const field = passwordField('password', t('signIn.password'), { fieldError: state.passwordError, focus: true })
  const data = {
    context,
    email: state.email,
    fields: [field],
    fieldError: state.fieldError,
    failed: state.status === 400,
    passkey: context.passkey?.(),
  }
  const { formTargets } = context
  return { view: 'confirm-sign-in', title: t('confirmSignIn.title'), status: state.status, formTargets, data }
}

export function signInPage(context: SignInContext, state: SignInState = {}): Page {
  const { t } = context
  const email = state.email ?? ''
  if (context.isConfirmation && email !== '') return confirmPage(context, state)
  const fields = [
    signInEmailField(t, {
      value: email,
      fieldError: state.emailError,
      focus: email === '' || state.emailError !== undefined,
    }),
    passwordField('password', t('signIn.password'), {
      fieldError: state.passwordError,
      focus: email !== '' && state.emailError === undefined,
    }),
  ]
  return {
    view: 'sign-in',
    title: t('common.signIn'),
    status: state.status,
    formTargets: context.formTargets,
    data: {
      context,
      fields,
      fieldError: state.fieldError,
      failed: state.status !== undefined,
      passkey: context.passkey?.(),
    },
  }
}

interface ChoiceState extends NewPasswordErrors {
  readonly ticket: string
  readonly email: string
}

export function choosePasswordPage(context: SignInContext, state: ChoiceState): Page {
  const { t } = context
  const { ticket, email } = state
  const failed = hasErrors(state)
  return {
    view: 'choose-password',
    title: t('password.choose'),
    status: failed ? 400 : undefined,
    formTargets: context.formTargets,
    data: { context, fields: newPasswordFields(t, state, { focus: true }), ticket, email, failed },
  }
}

export function slowDown(web: Web, ctx: Context, context: SignInContext, email: string, retryAfter: number): void {
  ctx.set('Retry-After', String(retryAfter))
  const { t } = context
  const fieldError = t('common.tooManyAttempts', { wait: t.wait(retryAfter) })
  web.show(ctx, signInPage(context, { email, fieldError, status: 429 }))
}

function missing(t: Translate, email: string, password: string): SignInState | undefined {
  if (email !== '' && password !== '') return undefined
  return {
    email,
    emailError: email === '' ? t('signIn.enterEmail') : undefined,
    passwordError: password === '' ? t('signIn.enterPassword') : undefined,
    status: 400,
  }
}

async function showSetUp(web: Web, ctx: Context, context: SignInContext, ticket: string): Promise<void> {
  const expired = { fieldError: context.t('signIn.ticketExpired'), status: 400 }
  web.show(ctx, (await setUpPageFor(web, ctx, context, { ticket })) ?? signInPage(context, expired))
}

/** Goes on with the next step of a sign-in, or finishes it. */
export async function continueSignIn(web: Web, ctx: Context, context: SignInContext, step: SignInStep): Promise<void> {
  if ('browser' in step) writeBrowser(ctx, step.browser)
  if (step.outcome === 'signed_in') return await context.finish(ctx, loginOf(step.user, step.amr, step.elsewhere))
  if (step.outcome === 'sign_in_here') {
    const fieldError = context.t('signIn.setUpYourself')
    return web.show(ctx, signInPage(context, { email: step.user.email, fieldError, status: 403 }))
  }
  const { ticket, user } = step
  if (step.outcome === 'join') {
    ctx.status = 303
    return ctx.redirect(invitationPath(ticket))
  }
  if (step.outcome === 'second_factor')
    return web.show(ctx, secondFactorPage(context, { ticket, choices: step.choices }))
  if (step.outcome === 'set_up_factor') return await showSetUp(web, ctx, context, ticket)
  web.show(ctx, choosePasswordPage(context, { ticket, email: user.email }))
}

/** A form of email address and password was sent. */
export async function trySignIn(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const email = form.get('email')?.trim() ?? ''
  const password = form.get('password') ?? ''
  const fieldErrors = missing(context.t, email, password)
  if (fieldErrors) return web.show(ctx, signInPage(context, fieldErrors))

  const who = { ip: ctx.ip, requestId: ctx.state.requestId, browser: readBrowser(ctx) }
  const { demandsSecondFactor = false } = context
  const result = await web.signIn.attempt({ email, password, demandsSecondFactor, ...who })
  if (result.outcome === 'refused') {
    const fieldError = context.t(context.isConfirmation ? 'signIn.wrongPassword' : 'signIn.refused')
    return web.show(ctx, signInPage(context, { email, fieldError, status: 400 }))
  }
  if (result.outcome === 'slow_down') return slowDown(web, ctx, context, email, result.retryAfter)
  await continueSignIn(web, ctx, context, result)
}

/** The message for a rejected new password; undefined for any other error. */
export function passwordError(t: Translate, error: unknown): string | undefined {
  if (error instanceof WeakPasswordError) return passwordProblem(t, error.problem)
  return error instanceof KeywrightError && error.code === 'invalid_input' ? sentence(error.message) : undefined
}

/** What to show when a new password was not taken; what is not about it goes on upwards. */
function choiceFailure(context: SignInContext, state: ChoiceState, error: unknown): Page {
  const fieldError = passwordError(context.t, error)
  if (fieldError !== undefined) return choosePasswordPage(context, { ...state, passwordError: fieldError })
  const isOver = error instanceof KeywrightError && error.code === 'conflict'
  if (!isOver) throw error
  return signInPage(context, { email: state.email, fieldError: context.t('signIn.ticketExpired'), status: 400 })
}

/** A form with the password that replaces a one-time one was sent. */
export async function tryChoosePassword(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const field = (name: string) => form.get(name) ?? ''
  const state = { ticket: field('ticket'), email: field('email') }
  const fieldErrors = newPasswordErrors(context.t, field('password'), field('repeat'))
  if (hasErrors(fieldErrors)) return web.show(ctx, choosePasswordPage(context, { ...state, ...fieldErrors }))

  const choice = web.signIn.choosePassword(state.ticket, field('password'), actorOf(ctx))
  const result = await choice.then(
    (step) => ({ step }),
    (error) => ({ failure: choiceFailure(context, state, error) }),
  )
  if ('failure' in result) return web.show(ctx, result.failure)
  await continueSignIn(web, ctx, context, result.step)
}
