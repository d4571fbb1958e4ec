import { toEnglish } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { passwordField } from './forms.ts'
import { type NewPasswordErrors, newPasswordFields } from './new-password-fields.ts'
import type { WebUser } from './sign-in-directory.ts'

export interface PasswordFieldErrors extends NewPasswordErrors {
  /** About the whole form. */
  readonly form?: string
  readonly present?: string
  readonly status?: number
}

export function changePasswordPage(user: WebUser, fieldErrors?: PasswordFieldErrors): ConsolePage {
  const fields = [
    passwordField('present', 'Current password', { fieldError: fieldErrors?.present }),
    ...newPasswordFields(toEnglish(), fieldErrors ?? {}),
  ]
  return {
    view: 'change-password',
    title: 'Change your password',
    status: fieldErrors && (fieldErrors.status ?? 400),
    data: { user, fields, fieldError: fieldErrors?.form },
  }
}
