import type { OpenedLink } from '../accounts/password-links.ts'
import type { Translate } from '../languages/translator.ts'
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

export function forgotPasswordPage(t: Translate, state: ForgotState = {}): Page {
  const { email = '', emailError, fieldError, status } = state
  const fields = [emailField(t, { value: email, fieldError: emailError, focus: true })]
  const data = { fields, fieldError, failed: status !== undefined }
  return { view: 'forgot-password', title: t('signIn.forgot'), status, data }
}

/** The same for every address. */
export const linkRequestedPage = (t: Translate): Page =>
  messagePage({
    title: t('forgotPassword.sent'),
    paragraphs: [t('forgotPassword.sentText'), t('forgotPassword.sentHint')],
    actions: [
      { label: t('common.backToSignIn'), href: '/signin' },
      { label: t('forgotPassword.another'), href: '/password/forgot' },
    ],
  })

/** @param requestPath where another link can be requested */
export const usedUpPage = (t: Translate, requestPath: string | undefined): Page =>
  messagePage({
    title: t('passwordLink.over'),
    status: 400,
    paragraphs: [t('passwordLink.overText'), t(requestPath ? 'passwordLink.requestHint' : 'passwordLink.askAdmin')],
    actions: [
      { label: t('common.signIn'), href: '/signin' },
      ...(requestPath ? [{ label: t('passwordLink.request'), href: requestPath }] : []),
    ],
  })

interface NewPasswordState extends NewPasswordErrors {
  readonly token: string
}

/** `lead` is HTML. */
const textsOf = (t: Translate, { email, purpose, endsEarlier }: OpenedLink) =>
  purpose === 'invitation'
    ? { title: t('password.choose'), lead: t.html('passwordLink.invited', { email }) }
    : {
        title: t('passwordLink.reset'),
        lead: t.html('passwordLink.resetLead', { email }),
        note: t(endsEarlier ? 'passwordLink.ends' : 'passwordLink.resetNote'),
      }

export function newPasswordPage(t: Translate, link: OpenedLink, state: NewPasswordState): Page {
  const failed = hasErrors(state)
  const fields = newPasswordFields(t, state, { focus: true })
  const { title, ...texts } = textsOf(t, link)
  return {
    view: 'new-password',
    title,
    status: failed ? 400 : undefined,
    data: { fields, token: state.token, email: link.email, failed, ...texts },
  }
}
