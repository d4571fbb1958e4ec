import { MIN_PASSWORD } from '../accounts/passwords.ts'
import { type Field, newPasswordField } from './forms.ts'

const RULES = `At least ${MIN_PASSWORD} characters. Several unrelated words are stronger than symbols. Common passwords are rejected.`

/** What is wrong with a new password, by its field. */
export interface NewPasswordErrors {
  readonly passwordError?: string | undefined
  readonly repeatedPasswordError?: string | undefined
}

export const hasErrors = ({ passwordError, repeatedPasswordError }: NewPasswordErrors): boolean =>
  passwordError !== undefined || repeatedPasswordError !== undefined

/** A new password and its repetition. The field with the error has the focus. @param focus whether the first one has it otherwise */
export function newPasswordFields(errors: NewPasswordErrors, { focus = false } = {}): Field[] {
  const { passwordError, repeatedPasswordError } = errors
  const first = {
    hint: RULES,
    fieldError: passwordError,
    minLength: MIN_PASSWORD,
    focus: passwordError !== undefined || (focus && repeatedPasswordError === undefined),
  }
  return [
    newPasswordField('password', 'New password', first),
    newPasswordField('repeat', 'Confirm new password', { fieldError: repeatedPasswordError, minLength: MIN_PASSWORD }),
  ]
}

/** The faults that are seen without asking anybody. */
export function newPasswordErrors(password: string, repeat: string): NewPasswordErrors {
  if ([...password].length < MIN_PASSWORD) return { passwordError: `Use at least ${MIN_PASSWORD} characters.` }
  return password === repeat ? {} : { repeatedPasswordError: 'The passwords do not match.' }
}
