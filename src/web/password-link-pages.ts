import type { OpenedLink } from '../accounts/password-links.ts'
import { MIN_PASSWORD } from '../accounts/passwords.ts'
import { emailField, newPasswordField } from './forms.ts'
import { messagePage } from './messages.ts'
import type { Page } from './page.ts'
import { PASSWORD_RULES } from './sign-in-steps.ts'

interface ForgotState {
  readonly email?: string
  readonly emailError?: string
  /** Shown above the form. */
  readonly fieldError?: string
  readonly status?: number
}

export function forgotPasswordPage({ email = '', emailError, fieldError, status }: ForgotState = {}): Page {
  const fields = [emailField({ value: email, fieldError: emailError, focus: true })]
  const data = { fields, fieldError, failed: status !== undefined }
  return { view: 'forgot-password', title: 'Forgot your password?', status, data }
}

/** The same for every address. */
export const linkRequestedPage = (): Page =>
  messagePage({
    title: 'Check your email',
    paragraphs: [
      'If a user has this email address, we sent a link to choose a new password. The link works for one hour.',
      'No message after a few minutes? Check your spam folder, and whether you sign in with another address.',
    ],
    actions: [
      { label: 'Back to sign-in', href: '/signin' },
      { label: 'Request another link', href: '/password/forgot' },
    ],
  })

/** @param requestPath where another link can be requested */
export const usedUpPage = (requestPath: string | undefined): Page =>
  messagePage({
    title: 'This link no longer works',
    status: 400,
    paragraphs: [
      'It was already used, has expired, or is incomplete. If you have chosen a password, sign in with it.',
      ...(requestPath ? ['Otherwise request a new link.'] : ['Otherwise ask your account admin for a new one.']),
    ],
    actions: [
      { label: 'Sign in', href: '/signin' },
      ...(requestPath ? [{ label: 'Request a new link', href: requestPath }] : []),
    ],
  })

interface NewPasswordState {
  readonly token: string
  readonly passwordError?: string | undefined
  readonly repeatedPasswordError?: string | undefined
}

const TEXTS = {
  invitation: { title: 'Choose your password', lead: 'You were invited. Choose the password for' },
  password_reset: {
    title: 'Choose a new password',
    lead: 'Choose the new password for',
    note: 'When you save it, you are signed out everywhere.',
  },
}

export function newPasswordPage({ email, purpose }: OpenedLink, state: NewPasswordState): Page {
  const { token, passwordError, repeatedPasswordError } = state
  const failed = passwordError !== undefined || repeatedPasswordError !== undefined
  const first = { hint: PASSWORD_RULES, fieldError: passwordError, focus: !repeatedPasswordError }
  const fields = [
    newPasswordField('password', 'New password', { ...first, minLength: MIN_PASSWORD }),
    newPasswordField('repeat', 'Confirm new password', { fieldError: repeatedPasswordError, minLength: MIN_PASSWORD }),
  ]
  const { title, ...texts } = TEXTS[purpose]
  return {
    view: 'new-password',
    title,
    status: failed ? 400 : undefined,
    data: { fields, token, email, failed, ...texts },
  }
}
