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

export const verifyPage = (email: string, token: string): Page =>
  confirmLinkPage({
    title: 'Verify your email address',
    lead: 'Confirm that this address is yours:',
    email,
    action: VERIFY_PATH,
    token,
    submit: 'Verify email address',
  })

export const verifiedPage = (): Page =>
  messagePage({
    title: 'Email address verified',
    paragraphs: ['Thank you. You can close this page.'],
    actions: [{ label: 'Go to the home page', href: '/' }],
  })

export const verificationOverPage = (): Page =>
  messagePage({
    title: 'This link no longer works',
    status: 400,
    paragraphs: [
      'It was already used, has expired, or is incomplete. If you have verified the address, you need not do anything.',
      'Otherwise sign in and request a new link on the Security page.',
    ],
    actions: [{ label: 'Security', href: '/account/security' }],
  })
