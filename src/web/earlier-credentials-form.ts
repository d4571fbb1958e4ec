import type { Translate } from '../languages/translator.ts'
import type { EarlierAnswer, EarlierCredentials } from '../management/earlier-credentials.ts'
import { isRecent } from '../management/recent-sign-in.ts'
import type { Form } from './forms.ts'
import { hasErrors, type NewPasswordErrors, newPasswordErrors, newPasswordFields } from './new-password-fields.ts'
import type { SignedInUser } from './sign-in-directory.ts'

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

/** What `partials/earlier-credentials.eta` shows. */
export const earlierData = (
  t: Translate,
  earlier: EarlierCredentials,
  form: EarlierForm,
  errors: NewPasswordErrors = {},
) => ({
  ...form,
  items: earlierItems(t, earlier),
  fields: earlier.hasPassword ? newPasswordFields(t, errors) : [],
  failed: hasErrors(errors),
})

/**
 * The decision of a form, or what is wrong with it. Undefined: the form has none.
 * @param earlier whose password the form asks for
 */
export function earlierAnswerIn(
  t: Translate,
  form: Form,
  { hasPassword }: EarlierCredentials,
): EarlierAnswer | { readonly errors: NewPasswordErrors } | undefined {
  const decision = form.get('earlier')
  if (decision === 'keep') return { earlier: 'keep' }
  if (decision !== 'end') return undefined
  const password = form.get('password') ?? ''
  const errors = hasPassword ? newPasswordErrors(t, password, form.get('repeat') ?? '') : {}
  return hasErrors(errors) ? { errors } : { earlier: 'end', password }
}

/** Whether the user has just proved, with every factor, who they are: only then do they decide about earlier credentials. */
export const mayDecide = (user: SignedInUser): boolean => isRecent(user) && !user.lacksSecondFactor
