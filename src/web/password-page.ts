import { MIN_PASSWORD } from '../accounts/passwords.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { newPasswordField, passwordField } from './forms.ts'
import type { WebUser } from './sign-in-directory.ts'
import { PASSWORD_RULES } from './sign-in-steps.ts'

export interface PasswordFieldErrors {
  /** About the whole form. */
  readonly form?: string
  readonly present?: string
  readonly next?: string
  readonly repeat?: string
  readonly status?: number
}

export function changePasswordPage(user: WebUser, fieldErrors?: PasswordFieldErrors): ConsolePage {
  const next = { hint: PASSWORD_RULES, fieldError: fieldErrors?.next, minLength: MIN_PASSWORD }
  const fields = [
    passwordField('present', 'Current password', { fieldError: fieldErrors?.present }),
    newPasswordField('password', 'New password', next),
    newPasswordField('repeat', 'Confirm new password', { fieldError: fieldErrors?.repeat, minLength: MIN_PASSWORD }),
  ]
  return {
    view: 'change-password',
    title: 'Change your password',
    status: fieldErrors && (fieldErrors.status ?? 400),
    data: { user, fields, fieldError: fieldErrors?.form },
  }
}
