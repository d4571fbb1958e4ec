import type { EmailChange } from '../accounts/email-changes.ts'
import type { Block } from './console/kit/blocks.ts'
import { badgeCell, fact, textCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { newEmailField } from './forms.ts'
import { messagePage } from './messages.ts'
import { EMAIL_PATH, SECURITY_PATH } from './own-paths.ts'
import type { Page } from './page.ts'
import type { WebUser } from './sign-in-directory.ts'
import type { Web } from './web-services.ts'

const BREADCRUMBS = [{ href: SECURITY_PATH, label: 'Security' }]

export const VERIFICATION_PATH = `${EMAIL_PATH}/verification`

export const ADDRESS_NOTICES = {
  'verification-sent': 'Link sent. Open it in your email within one day.',
  'address-requested': 'Check the inbox of the new address. The link in the message works for one hour.',
  'address-changed': 'Email address changed. You have been signed out of all other sessions.',
}

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

const VERIFY = { href: VERIFICATION_PATH, label: 'Verify address…' }

const statusCell = (isVerified: boolean) =>
  isVerified ? badgeCell('success', 'Verified') : badgeCell('neutral', 'Not verified')

export const addressBlock = ({ email, isVerified, sendsMail }: Address): Block => ({
  part: 'facts',
  heading: 'Email address',
  lead: sendsMail
    ? 'You sign in with this address, and receive notices about your account.'
    : 'You sign in with this address. An admin can change it.',
  actions: sendsMail ? [...(isVerified ? [] : [VERIFY]), { href: EMAIL_PATH, label: 'Change address…' }] : [],
  facts: [fact('Address', textCell(email)), fact('Status', statusCell(isVerified))],
})

export const verificationPage = ({ email }: Address): ConsolePage =>
  confirmPage({
    title: 'Verify your email address?',
    breadcrumbs: BREADCRUMBS,
    stops: [`${email} receives a link. It works once, for one day.`],
    harmless: true,
    action: VERIFICATION_PATH,
    submit: 'Send link',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })

interface ChangeState {
  /** As it was typed. */
  readonly email?: string
  readonly emailError?: string
  /** Shown above the form. */
  readonly fieldError?: string
  readonly status?: number
}

export const changeEmailPage = (user: WebUser, state: ChangeState = {}): ConsolePage => ({
  view: 'change-email',
  title: 'Change your email address',
  breadcrumbs: BREADCRUMBS,
  status: state.status,
  data: {
    email: user.email,
    action: EMAIL_PATH,
    cancel: SECURITY_PATH,
    fieldError: state.fieldError,
    fields: [newEmailField({ value: state.email ?? '', fieldError: state.emailError, focus: true })],
  },
})

export const CONFIRM_PATH = `${EMAIL_PATH}/confirm`

export const confirmEmailPage = ({ present, email }: EmailChange, token: string): ConsolePage =>
  confirmPage({
    title: 'Confirm your new email address?',
    breadcrumbs: BREADCRUMBS,
    stops: [
      `You sign in with ${email} from now on. ${present} no longer works.`,
      'You are signed out of all other sessions.',
    ],
    harmless: true,
    action: CONFIRM_PATH,
    hidden: { token },
    submit: 'Change email address',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })

export const changeOverPage = (user: WebUser): Page =>
  messagePage({
    title: 'This link no longer works',
    status: 400,
    paragraphs: [
      `It was already used, has expired, or was requested by another user. You are signed in as ${user.email}.`,
      'To change the address of this user, request a new link.',
    ],
    actions: [
      { label: 'Change email address', href: EMAIL_PATH },
      { label: 'Security', href: SECURITY_PATH },
    ],
  })
