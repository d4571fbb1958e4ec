import type { Translate } from '../languages/translator.ts'
import {
  type EarlierAnswer,
  type EarlierCredentials,
  EarlierCredentialsChangedError,
} from '../management/earlier-credentials.ts'
import { isRecent } from '../management/recent-sign-in.ts'
import type { Form } from './forms.ts'
import { hasErrors, type NewPasswordErrors, newPasswordErrors, newPasswordFields } from './new-password-fields.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { passwordError } from './sign-in-steps.ts'

/** Where the decision about earlier credentials is sent, and what else it does. */
interface EarlierForm {
  readonly action: string
  /** Fields that the form repeats. */
  readonly hidden: Readonly<Record<string, string>>
  readonly endLabel: string
  readonly keepLabel: string
}

/** By what somebody can sign in or act as the user, one sentence each. */
export function earlierItems(t: Translate, earlier: EarlierCredentials): string[] {
  const { hasPassword, passkeys, apps, identities, applications, otherSessions } = earlier
  return [
    ...(hasPassword ? [t('earlier.password')] : []),
    ...passkeys.map(({ name }) => t('earlier.passkey', { name })),
    ...apps.map(({ name }) => t('earlier.app', { name })),
    ...identities.map(({ providerName: name }) => t('earlier.identity', { name })),
    ...(otherSessions > 0 ? [t('earlier.sessions', { count: otherSessions })] : []),
    ...applications.map((name) => t('earlier.application', { name })),
  ]
}

/** Why a decision was not taken. */
export interface EarlierProblem {
  /** What is wrong with the new password. */
  readonly errors?: NewPasswordErrors | undefined
  /** Something was set up after the page was shown. */
  readonly isChanged?: boolean
}

export const earlierStatus = ({ errors, isChanged }: EarlierProblem): number | undefined =>
  isChanged ? 409 : errors && 400

/** What `partials/earlier-credentials.eta` shows. */
export const earlierData = (
  t: Translate,
  earlier: EarlierCredentials,
  form: EarlierForm,
  { errors = {}, isChanged = false }: EarlierProblem,
) => ({
  ...form,
  hidden: { ...form.hidden, seen: earlier.seen },
  problem: isChanged ? t('earlier.changed') : undefined,
  items: earlierItems(t, earlier),
  fields: earlier.choosesPassword ? newPasswordFields(t, errors) : [],
  failed: isChanged || hasErrors(errors),
})

/**
 * The decision of a form, or what is wrong with it. Undefined: the form has none.
 * @param earlier whose password the form asks for
 * @param sessionId of this browser
 */
export function earlierAnswerIn(
  t: Translate,
  form: Form,
  { choosesPassword }: EarlierCredentials,
  sessionId: string | null,
): EarlierAnswer | { readonly errors: NewPasswordErrors } | undefined {
  const decision = form.get('earlier')
  if (decision === 'keep') return { earlier: 'keep', seen: form.get('seen') ?? '', sessionId }
  if (decision !== 'end') return undefined
  const password = form.get('password') ?? ''
  const errors = choosesPassword ? newPasswordErrors(t, password, form.get('repeat') ?? '') : {}
  return hasErrors(errors) ? { errors } : { earlier: 'end', password }
}

/** What the page says of an error. Undefined: it is another one. */
export function earlierProblem(t: Translate, error: unknown): EarlierProblem | undefined {
  if (error instanceof EarlierCredentialsChangedError) return { isChanged: true }
  const weak = passwordError(t, error)
  return weak === undefined ? undefined : { errors: { passwordError: weak } }
}

/** Whether the user has just proved, with every factor, who they are: only then do they decide about earlier credentials. */
export const mayDecide = (user: SignedInUser): boolean => isRecent(user) && !user.lacksSecondFactor
