import type { Block } from './console/kit/blocks.ts'
import { badgeCell, fact, textCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { EMAIL_PATH, SECURITY_PATH } from './own-paths.ts'
import type { WebUser } from './sign-in-directory.ts'
import type { Web } from './web-services.ts'

const BREADCRUMBS = [{ href: SECURITY_PATH, label: 'Security' }]

export const VERIFICATION_PATH = `${EMAIL_PATH}/verification`

export const ADDRESS_NOTICES = {
  'verification-sent': 'Link sent. Open it in your email within one day.',
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

const statusCell = (isVerified: boolean) =>
  isVerified ? badgeCell('success', 'Verified') : badgeCell('neutral', 'Not verified')

export const addressBlock = ({ email, isVerified, sendsMail }: Address): Block => ({
  part: 'facts',
  heading: 'Email address',
  lead: sendsMail
    ? 'You sign in with this address, and receive notices about your account.'
    : 'You sign in with this address. To change it, ask an admin.',
  actions: isVerified || !sendsMail ? [] : [{ href: VERIFICATION_PATH, label: 'Verify address…' }],
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
