import type { Context } from 'koa'
import type { SignInStep } from '../accounts/sign-in-progress.ts'
import type { User } from '../accounts/users.ts'
import { KeywrightError } from '../shared/errors.ts'
import { readBrowser, writeBrowser } from './cookies.ts'
import { type Form, passwordField, signInEmailField } from './forms.ts'
import { hasErrors, type NewPasswordErrors, newPasswordErrors, newPasswordFields } from './new-password-fields.ts'
import type { Page } from './page.ts'
import { waitInWords } from './relative-time.ts'
import { secondFactorPage, setUpFactorPage } from './second-factor-pages.ts'
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

/** Who has just signed in. @param amr how (RFC 8176) */
export const loginOf = (
  { id, sessionsValidFrom }: Pick<User, 'id' | 'sessionsValidFrom'>,
  amr: readonly string[],
): Login => ({
  userId: id,
  since: sessionsValidFrom,
  amr,
})

const REFUSED = 'Incorrect email address or password. Try again.'

const WRONG_PASSWORD = 'Incorrect password. Try again.'

function confirmPage(context: SignInContext, state: SignInState): Page {
  const field = passwordField('password', 'Password', { fieldError: state.passwordError, focus: true })
  const data = {
    context,
    email: state.email,
    fields: [field],
    fieldError: state.fieldError,
    failed: state.status === 400,
    passkey: context.passkey?.(),
  }
  return { view: 'confirm-sign-in', title: 'Confirm your password', status: state.status, data }
}

export function signInPage(context: SignInContext, state: SignInState = {}): Page {
  const email = state.email ?? ''
  if (context.isConfirmation && email !== '') return confirmPage(context, state)
  const fields = [
    signInEmailField({
      value: email,
      fieldError: state.emailError,
      focus: email === '' || state.emailError !== undefined,
    }),
    passwordField('password', 'Password', {
      fieldError: state.passwordError,
      focus: email !== '' && state.emailError === undefined,
    }),
  ]
  return {
    view: 'sign-in',
    title: 'Sign in',
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
  const { ticket, email } = state
  const failed = hasErrors(state)
  return {
    view: 'choose-password',
    title: 'Choose your password',
    status: failed ? 400 : undefined,
    formTargets: context.formTargets,
    data: { context, fields: newPasswordFields(state, { focus: true }), ticket, email, failed },
  }
}

export function slowDown(web: Web, ctx: Context, context: SignInContext, email: string, retryAfter: number): void {
  ctx.set('Retry-After', String(retryAfter))
  const fieldError = `Too many attempts. Try again in ${waitInWords(retryAfter)}.`
  web.show(ctx, signInPage(context, { email, fieldError, status: 429 }))
}

function missing(email: string, password: string): SignInState | undefined {
  if (email !== '' && password !== '') return undefined
  return {
    email,
    emailError: email === '' ? 'Enter your email address.' : undefined,
    passwordError: password === '' ? 'Enter your password.' : undefined,
    status: 400,
  }
}

async function showSetUp(web: Web, ctx: Context, context: SignInContext, ticket: string): Promise<void> {
  const offer = await web.factors.setUp.offerFor(ticket)
  if (offer) web.show(ctx, await setUpFactorPage(context, { ticket, offer }))
  else web.show(ctx, signInPage(context, { fieldError: TICKET_OVER, status: 400 }))
}

/** Goes on with the next step of a sign-in, or finishes it. */
export async function continueSignIn(web: Web, ctx: Context, context: SignInContext, step: SignInStep): Promise<void> {
  if ('browser' in step) writeBrowser(ctx, step.browser)
  if (step.outcome === 'signed_in') return await context.finish(ctx, loginOf(step.user, step.amr))
  const { ticket, user } = step
  if (step.outcome === 'second_factor')
    return web.show(ctx, secondFactorPage(context, { ticket, choices: step.choices }))
  if (step.outcome === 'set_up_factor') return await showSetUp(web, ctx, context, ticket)
  web.show(ctx, choosePasswordPage(context, { ticket, email: user.email }))
}

/** A form of email address and password was sent. */
export async function trySignIn(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const email = form.get('email')?.trim() ?? ''
  const password = form.get('password') ?? ''
  const fieldErrors = missing(email, password)
  if (fieldErrors) return web.show(ctx, signInPage(context, fieldErrors))

  const who = { ip: ctx.ip, requestId: ctx.state.requestId, browser: readBrowser(ctx) }
  const { demandsSecondFactor = false } = context
  const result = await web.signIn.attempt({ email, password, demandsSecondFactor, ...who })
  if (result.outcome === 'refused') {
    const fieldError = context.isConfirmation ? WRONG_PASSWORD : REFUSED
    return web.show(ctx, signInPage(context, { email, fieldError, status: 400 }))
  }
  if (result.outcome === 'slow_down') return slowDown(web, ctx, context, email, result.retryAfter)
  await continueSignIn(web, ctx, context, result)
}

const TICKET_OVER = 'This page has expired. Sign in again. If you have already changed your password, use the new one.'

/** The message for a rejected new password; undefined for any other error. */
export function passwordError(error: unknown): string | undefined {
  return error instanceof KeywrightError && error.code === 'invalid_input' ? sentence(error.message) : undefined
}

/** What to show when a new password was not taken; what is not about it goes on upwards. */
function choiceFailure(context: SignInContext, state: ChoiceState, error: unknown): Page {
  const fieldError = passwordError(error)
  if (fieldError !== undefined) return choosePasswordPage(context, { ...state, passwordError: fieldError })
  const isOver = error instanceof KeywrightError && error.code === 'conflict'
  if (!isOver) throw error
  return signInPage(context, { email: state.email, fieldError: TICKET_OVER, status: 400 })
}

/** A form with the password that replaces a one-time one was sent. */
export async function tryChoosePassword(web: Web, ctx: Context, context: SignInContext, form: Form): Promise<void> {
  const field = (name: string) => form.get(name) ?? ''
  const state = { ticket: field('ticket'), email: field('email') }
  const fieldErrors = newPasswordErrors(field('password'), field('repeat'))
  if (hasErrors(fieldErrors)) return web.show(ctx, choosePasswordPage(context, { ...state, ...fieldErrors }))

  const choice = web.signIn.choosePassword(state.ticket, field('password'), actorOf(ctx))
  const result = await choice.then(
    (step) => ({ step }),
    (error) => ({ failure: choiceFailure(context, state, error) }),
  )
  if ('failure' in result) return web.show(ctx, result.failure)
  await continueSignIn(web, ctx, context, result.step)
}
