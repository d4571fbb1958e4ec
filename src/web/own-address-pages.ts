import type { EmailChange } from '../accounts/email-changes.ts'
import type { Translate } from '../languages/translator.ts'
import type { Block } from './console/kit/blocks.ts'
import { badgeCell, fact, textCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { newEmailField } from './forms.ts'
import { messagePage } from './messages.ts'
import { EMAIL_PATH, SECURITY_PATH, VERIFICATION_PATH } from './own-paths.ts'
import type { Page } from './page.ts'
import type { WebUser } from './sign-in-directory.ts'
import type { Web } from './web-services.ts'

const breadcrumbsIn = (t: Translate) => [{ href: SECURITY_PATH, label: t('security.title') }]

const cancelIn = (t: Translate) => ({ href: SECURITY_PATH, label: t('common.cancel') })

/** The address of a user, and whether the instance can send a message to it. */
export interface Address {
  readonly email: string
  readonly isVerified: boolean
  readonly sendsMail: boolean
}

export const ownAddress = ({ management }: Pick<Web, 'management'>, { email, emailVerified }: WebUser): Address => ({
  email,
  isVerified: emailVerified,
  sendsMail: management.mail !== undefined,
})

const statusCell = (t: Translate, isVerified: boolean) =>
  isVerified ? badgeCell('success', t('address.verified')) : badgeCell('neutral', t('address.notVerified'))

function actionsOf(t: Translate, { isVerified, sendsMail }: Address) {
  if (!sendsMail) return []
  const verify = { href: VERIFICATION_PATH, label: t('address.verify') }
  return [...(isVerified ? [] : [verify]), { href: EMAIL_PATH, label: t('address.change') }]
}

export const addressBlock = (t: Translate, address: Address): Block => ({
  part: 'facts',
  heading: t('signIn.email'),
  lead: address.sendsMail ? t('address.leadMail') : t('address.lead'),
  actions: actionsOf(t, address),
  facts: [
    fact(t('address.address'), textCell(address.email)),
    fact(t('address.status'), statusCell(t, address.isVerified)),
  ],
})

export const verificationPage = (t: Translate, { email }: Address): ConsolePage =>
  confirmPage({
    title: t('address.verifyTitle'),
    breadcrumbs: breadcrumbsIn(t),
    stops: [t('address.verifyEffect', { email })],
    harmless: true,
    action: VERIFICATION_PATH,
    submit: t('forgotPassword.submit'),
    keep: cancelIn(t),
  })

interface ChangeState {
  /** As it was typed. */
  readonly email?: string
  readonly emailError?: string
  /** Shown above the form. */
  readonly fieldError?: string
  readonly status?: number
}

export const changeEmailPage = (t: Translate, user: WebUser, state: ChangeState = {}): ConsolePage => ({
  view: 'change-email',
  title: t('changeEmail.title'),
  breadcrumbs: breadcrumbsIn(t),
  status: state.status,
  data: {
    email: user.email,
    action: EMAIL_PATH,
    cancel: SECURITY_PATH,
    fieldError: state.fieldError,
    fields: [newEmailField(t, { value: state.email ?? '', fieldError: state.emailError, focus: true })],
  },
})

export const CONFIRM_PATH = `${EMAIL_PATH}/confirm`

export const confirmEmailPage = (t: Translate, { present, email }: EmailChange, token: string): ConsolePage =>
  confirmPage({
    title: t('changeEmail.confirmTitle'),
    breadcrumbs: breadcrumbsIn(t),
    stops: [t('changeEmail.effect', { email, present }), t('changeEmail.signsOut')],
    harmless: true,
    action: CONFIRM_PATH,
    hidden: { token },
    submit: t('changeEmail.submit'),
    keep: cancelIn(t),
  })

export const changeOverPage = (t: Translate, { email }: WebUser): Page =>
  messagePage({
    title: t('passwordLink.over'),
    status: 400,
    paragraphs: [t('changeEmail.overText', { email }), t('changeEmail.overHint')],
    actions: [
      { label: t('changeEmail.submit'), href: EMAIL_PATH },
      { label: t('security.title'), href: SECURITY_PATH },
    ],
  })
