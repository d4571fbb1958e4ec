import type { Translate } from '../languages/translator.ts'
import { messagePage } from './messages.ts'
import type { Page } from './page.ts'

/** A page with one button, which a link in a message opened. */
interface LinkConfirmation {
  readonly title: string
  readonly lead: string
  readonly email: string
  readonly action: string
  readonly token: string
  readonly submit: string
  /** Below the button. */
  readonly note?: string
}

const confirmLinkPage = ({ title, ...data }: LinkConfirmation): Page => ({ view: 'confirm-link', title, data })

export const VERIFY_PATH = '/email/verify'

export const verifyPage = (t: Translate, email: string, token: string): Page =>
  confirmLinkPage({
    title: t('verification.title'),
    lead: t('verification.lead'),
    email,
    action: VERIFY_PATH,
    token,
    submit: t('verification.submit'),
  })

export const verifiedPage = (t: Translate): Page =>
  messagePage({
    title: t('verification.done'),
    paragraphs: [t('verification.doneText')],
    actions: [{ label: t('common.home'), href: '/' }],
  })

export const verificationOverPage = (t: Translate): Page =>
  messagePage({
    title: t('passwordLink.over'),
    status: 400,
    paragraphs: [t('verification.overText'), t('verification.overHint')],
    actions: [{ label: t('security.title'), href: '/account/security' }],
  })
