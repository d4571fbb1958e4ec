import type { Translate } from '../languages/translator.ts'
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

export function changePasswordPage(t: Translate, user: WebUser, fieldErrors?: PasswordFieldErrors): ConsolePage {
  const fields = [
    passwordField('present', t('changePassword.present'), { fieldError: fieldErrors?.present }),
    ...newPasswordFields(t, fieldErrors ?? {}),
  ]
  return {
    view: 'change-password',
    title: t('changePassword.title'),
    status: fieldErrors && (fieldErrors.status ?? 400),
    data: { user, fields, fieldError: fieldErrors?.form },
  }
}
