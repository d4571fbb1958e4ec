import type { MessageKey, Translate } from '../languages/translator.ts'

/** What a page says was just done; named in the query, so that nobody else can put words there. */
const NOTICES: Readonly<Record<string, MessageKey>> = {
  'signed-out': 'notice.signedOut',
  'password-changed': 'notice.passwordChanged',
  'password-saved': 'notice.passwordSaved',
  withdrawn: 'notice.withdrawn',
}

export const noticesIn = (t: Translate): Record<string, string> =>
  Object.fromEntries(Object.entries(NOTICES).map(([name, key]) => [name, t(key)]))

export const noticeOf = (name: unknown, notices: Readonly<Record<string, string>>): string | undefined =>
  typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
