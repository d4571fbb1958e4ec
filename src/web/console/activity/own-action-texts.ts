import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { TextValues } from '../../../languages/translator.ts'
import type { AuditRecord } from '../../../management/activity-operations.ts'

/** A sentence with the placeholders `actor` and `target`, and values of others from the detail of the event. */
export type ActionText = ConsoleText | ((detail: AuditRecord['detail']) => readonly [ConsoleText, TextValues?])

/** Texts for an actor who is also the target. */
export const OWN_ACTION_TEXTS: Readonly<Record<string, ActionText>> = {
  'user.updated': '{actor} changed their details',
  'user.password_changed': '{actor} changed their password',
  'user.earlier_credentials_ended': '{actor} ended what was set up before to sign in as them',
  'user.earlier_credentials_kept': '{actor} kept what was set up before to sign in as them',
  'user.password_change_refused': '{actor} failed to change their password: the current password was wrong',
  'user.console_session_opened': '{actor} opened a console session',
  'user.identity_linked': ({ provider }) => ['{actor} connected {provider}', { provider: String(provider) }],
  'user.identity_removed': ({ provider }) => ['{actor} disconnected {provider}', { provider: String(provider) }],
  'user.session_ended': '{actor} signed out of one of their sessions',
  'user.other_sessions_ended': '{actor} signed out of all their other sessions',
  'user.factor_added': ({ factor }) => [
    '{actor} added {factor, select, passkey {a passkey} other {an authenticator app}}',
    { factor: String(factor) },
  ],
  'user.factor_removed': ({ factor }) => [
    '{actor} removed {factor, select, passkey {a passkey} other {an authenticator app}}',
    { factor: String(factor) },
  ],
  'user.recovery_codes_generated': '{actor} generated new recovery codes',
  'user.recovery_code_used': '{actor} used a recovery code',
  'user.factors_reset': '{actor} reset their second factors',
  'user.tokens_revoked': '{actor} signed out everywhere and revoked their tokens',
  'user.password_reset': '{actor} generated a one-time password for themselves',
  'key_pair.generated': '{actor} generated new keys',
  'mail.test_sent': '{actor} sent themselves a test email',
}
