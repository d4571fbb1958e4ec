import { PROFILE_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'

export interface OneTimePasswordOptions extends Pick<ConsolePage, 'title' | 'lead' | 'breadcrumbs'> {
  readonly email: string
  readonly password: string
  /** Begins the message: `You are invited to Acme.` */
  readonly greeting: string
  readonly done: PageLink
}

const EMAIL = PROFILE_ATTRIBUTES.email.label

function messageOf({ greeting, email, password }: OneTimePasswordOptions, address: string): string {
  return `${greeting}

Sign in at: ${address}
${EMAIL}: ${email}
One-time password: ${password}

This password works for one sign-in. You then choose your own password.
`
}

/** Shows a one-time password once, with a message to send to the user. */
export function oneTimePasswordPage({ web }: ConsoleCall, details: OneTimePasswordOptions): ConsolePage {
  const { title, lead, breadcrumbs, email, password, done } = details
  const address = new URL('/signin', web.issuerUrl()).href
  const values = [
    { label: 'Sign-in address', value: address },
    { label: EMAIL, value: email },
    { label: 'One-time password', value: password },
  ]
  const message = { label: 'Message to the user', value: messageOf(details, address) }
  return { view: 'console/one-time-password', title, lead, breadcrumbs, data: { values, message, done } }
}
