import type { MessageKey, Translate } from '../languages/translator.ts'

/** What a page says was just done; named in the query, so that nobody else can put words there. */
const NOTICES: Readonly<Record<string, MessageKey>> = {
  'signed-out': 'notice.signedOut',
  'password-changed': 'notice.passwordChanged',
  'password-saved': 'notice.passwordSaved',
  withdrawn: 'notice.withdrawn',
  'verification-sent': 'notice.verificationSent',
  'address-requested': 'notice.addressRequested',
  'address-changed': 'notice.addressChanged',
  added: 'notice.appAdded',
  removed: 'notice.appRemoved',
  'passkey-added': 'notice.passkeyAdded',
  'passkey-removed': 'notice.passkeyRemoved',
  'identity-connected': 'notice.identityConnected',
  'identity-disconnected': 'notice.identityDisconnected',
  'session-ended': 'notice.sessionEnded',
  joined: 'notice.joined',
  declined: 'notice.declined',
  'account-switched': 'notice.accountSwitched',
  'others-ended': 'notice.othersEnded',
}

export const noticesIn = (t: Translate): Record<string, string> =>
  Object.fromEntries(Object.entries(NOTICES).map(([name, key]) => [name, t(key)]))

export const noticeOf = (name: unknown, notices: Readonly<Record<string, string>>): string | undefined =>
  typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
