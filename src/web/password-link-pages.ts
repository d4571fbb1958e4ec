import type { OpenedLink } from '../accounts/password-links.ts'
import { emailField } from './forms.ts'
import { messagePage } from './messages.ts'
import { hasErrors, type NewPasswordErrors, newPasswordFields } from './new-password-fields.ts'
import type { Page } from './page.ts'

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

interface NewPasswordState extends NewPasswordErrors {
  readonly token: string
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
  const failed = hasErrors(state)
  const fields = newPasswordFields(state, { focus: true })
  const { title, ...texts } = TEXTS[purpose]
  return {
    view: 'new-password',
    title,
    status: failed ? 400 : undefined,
    data: { fields, token: state.token, email, failed, ...texts },
  }
}
