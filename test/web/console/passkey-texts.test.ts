/** What the activity log and the notice by email say about passkeys. */
import { expect, test } from 'vitest'
import type { AuditRecord } from '../../../src/audit/audit-records.ts'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { toEnglish } from '../../../src/languages/translator.ts'
import { NOTICE_KINDS } from '../../../src/mail/notice-kinds.ts'
import { actionText } from '../../../src/web/console/activity/activity-texts.ts'

const USER = '01a22813-0000-7000-8000-000000000001'

const textOf = (action: string, detail: object, by: string | null = USER): string =>
  actionText(
    toConsoleEnglish(),
    { action, actor: { type: 'user', id: by }, target: { type: 'user', id: USER }, detail } as AuditRecord,
    { actor: 'Ada', target: '*' },
  )

test.each([
  ['user.signed_in', {}, USER, 'Ada signed in'],
  ['user.signed_in', { passkey: 'p1' }, USER, 'Ada signed in with a passkey'],
  ['user.sign_in_refused', {}, null, 'Ada failed to sign in as *'],
  ['user.sign_in_refused', { passkey: 'p1', reason: 'invalid' }, null, 'Ada failed to sign in as * with a passkey'],
  [
    'user.sign_in_refused',
    { passkey: 'p1', reason: 'counter' },
    null,
    'Ada failed to sign in as * with a passkey whose counter went back: it may be a copy',
  ],
  ['user.sign_in_slowed', {}, null, 'Ada was rate limited while signing in as *'],
  ['user.sign_in_slowed', { passkey: 'p1' }, null, 'Ada was rate limited while signing in as * with a passkey'],
  ['user.second_factor_refused', { factor: 'totp' }, null, 'Ada entered a wrong code for *'],
  [
    'user.second_factor_refused',
    { factor: 'passkey', passkey: 'p1', reason: 'counter' },
    null,
    'Ada entered the password of *, but failed to confirm with a passkey whose counter went back: it may be a copy',
  ],
  ['user.second_factor_slowed', { factor: 'recovery' }, null, 'Ada was rate limited while entering codes for *'],
  [
    'user.second_factor_slowed',
    { factor: 'passkey' },
    null,
    'Ada was rate limited while confirming with a passkey after the password of *',
  ],
  ['user.factor_added', { factor: 'passkey' }, USER, 'Ada added a passkey'],
  ['user.factor_removed', { factor: 'passkey' }, 'another', 'Ada removed a passkey of *'],
  ['user.factor_added', { factor: 'authenticator_app' }, USER, 'Ada added an authenticator app'],
])('the activity log says of %s with %j by %s: %s', (action, detail, by, text) => {
  expect(textOf(action, detail, by)).toBe(text)
})

test.each([
  ['user.factor_added', { factor: 'passkey' }, 'A passkey was added to your sign-in.'],
  ['user.factor_removed', { factor: 'passkey' }, 'A passkey was removed from your sign-in.'],
  ['user.factor_added', { factor: 'authenticator_app' }, 'An authenticator app was added to your sign-in.'],
  ['user.factors_reset', {}, 'All passkeys, authenticator apps and recovery codes were removed from your sign-in.'],
])('the notice by email says of %s with %j: %s', (action, detail, text) => {
  const { factor_changed: kind } = NOTICE_KINDS
  const names = { instance: 'Keywright', recipient: 'ada@example.com' }
  const context = { t: toEnglish(), ...names, url: (path: string) => path } as never
  expect(kind.content({ ...kind.sample, action, detail }, context).paragraphs).toEqual([text])
})
