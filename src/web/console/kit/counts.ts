import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'

/** What pages count. In German a count is a subject or a direct object; another sentence needs a message of its own. */
export const COUNTS = {
  'access token': '{count, plural, one {# access token} other {# access tokens}}',
  'active access token': '{count, plural, one {# active access token} other {# active access tokens}}',
  'active admin': '{count, plural, one {# active admin} other {# active admins}}',
  'active application': '{count, plural, one {# active application} other {# active applications}}',
  'active refresh token': '{count, plural, one {# active refresh token} other {# active refresh tokens}}',
  'active token': '{count, plural, one {# active token} other {# active tokens}}',
  application: '{count, plural, one {# application} other {# applications}}',
  'authenticator app': '{count, plural, one {# authenticator app} other {# authenticator apps}}',
  'calling IP address': '{count, plural, one {# calling IP address} other {# calling IP addresses}}',
  client: '{count, plural, one {# client} other {# clients}}',
  event: '{count, plural, one {# event} other {# events}}',
  'identity provider': '{count, plural, one {# identity provider} other {# identity providers}}',
  'IP address': '{count, plural, one {# IP address} other {# IP addresses}}',
  'key pair': '{count, plural, one {# key pair} other {# key pairs}}',
  passkey: '{count, plural, one {# passkey} other {# passkeys}}',
  'refresh token': '{count, plural, one {# refresh token} other {# refresh tokens}}',
  'revoked token': '{count, plural, one {# revoked token} other {# revoked tokens}}',
  scope: '{count, plural, one {# scope} other {# scopes}}',
  'unused recovery code': '{count, plural, one {# unused recovery code} other {# unused recovery codes}}',
  user: '{count, plural, one {# user} other {# users}}',
} as const satisfies Record<string, ConsoleText>

export type Counted = keyof typeof COUNTS

/** `1 active token`, `1,200 active tokens`. */
export const counted = (t: ConsoleTranslate, count: number, what: Counted): string => t(COUNTS[what], { count })

/** The same of a count that stops somewhere: `more than 1,000 active tokens`. */
export const countedUpTo = (t: ConsoleTranslate, { count, isMore }: Bounded, what: Counted): string =>
  isMore ? t('more than {count}', { count: counted(t, count, what) }) : counted(t, count, what)
