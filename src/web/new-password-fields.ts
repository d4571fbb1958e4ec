import { MAX_PASSWORD, MIN_PASSWORD, type PasswordProblem } from '../accounts/passwords.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import { type Field, newPasswordField } from './forms.ts'

const PROBLEMS: Readonly<Record<PasswordProblem, MessageKey>> = {
  too_short: 'password.tooShort',
  too_long: 'password.tooLong',
  repeated_character: 'password.repeatedCharacter',
  personal: 'password.personal',
  common: 'password.common',
}

/** Why a new password is not accepted, as a sentence. */
export const passwordProblem = (t: Translate, problem: PasswordProblem): string =>
  t(PROBLEMS[problem], { count: problem === 'too_long' ? MAX_PASSWORD : MIN_PASSWORD })

/** What is wrong with a new password, by its field. */
export interface NewPasswordErrors {
  readonly passwordError?: string | undefined
  readonly repeatedPasswordError?: string | undefined
}

export const hasErrors = ({ passwordError, repeatedPasswordError }: NewPasswordErrors): boolean =>
  passwordError !== undefined || repeatedPasswordError !== undefined

/** A new password and its repetition. The field with the error has the focus. @param focus whether the first one has it otherwise */
export function newPasswordFields(t: Translate, errors: NewPasswordErrors, { focus = false } = {}): Field[] {
  const { passwordError, repeatedPasswordError } = errors
  const first = {
    hint: t('password.rules', { count: MIN_PASSWORD }),
    fieldError: passwordError,
    minLength: MIN_PASSWORD,
    focus: passwordError !== undefined || (focus && repeatedPasswordError === undefined),
  }
  return [
    newPasswordField('password', t('password.new'), first),
    newPasswordField('repeat', t('password.repeat'), { fieldError: repeatedPasswordError, minLength: MIN_PASSWORD }),
  ]
}

/** The faults that are seen without asking anybody. */
export function newPasswordErrors(t: Translate, password: string, repeat: string): NewPasswordErrors {
  if ([...password].length < MIN_PASSWORD) return { passwordError: passwordProblem(t, 'too_short') }
  return password === repeat ? {} : { repeatedPasswordError: t('password.mismatch') }
}
