import { PROFILE_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'

export interface OneTimePasswordOptions extends Pick<ConsolePage, 'title' | 'lead' | 'breadcrumbs'> {
  readonly email: string
  readonly password: string
  /** Begins the message: `You are invited to Acme.` */
  readonly greeting: string
  readonly done: PageLink
}

const messageOf = (
  t: ConsoleTranslate,
  { greeting, email, password }: OneTimePasswordOptions,
  address: string,
): string => `${greeting}

${t('Sign in at: {address}', { address })}
${t('Email address: {email}', { email })}
${t('One-time password: {password}', { password })}

${t('This password works for one sign-in. You then choose your own password.')}
`

/** Shows a one-time password once, with a message to send to the user. */
export function oneTimePasswordPage({ web, t }: ConsoleCall, details: OneTimePasswordOptions): ConsolePage {
  const { title, lead, breadcrumbs, email, password, done } = details
  const address = new URL('/signin', web.issuerUrl()).href
  const values = [
    { label: t('Sign-in address'), value: address },
    { label: t.declared(PROFILE_ATTRIBUTES.email.label), value: email },
    { label: t('One-time password'), value: password },
  ]
  const message = { label: t('Message to the user'), value: messageOf(t, details, address) }
  return { view: 'console/one-time-password', title, lead, breadcrumbs, data: { values, message, done } }
}
