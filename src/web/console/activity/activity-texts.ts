import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { AuditAction } from '../../../audit/audit-actions.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { AuditRecord } from '../../../management/activity-operations.ts'
import { type AttributeChange, choiceValues } from '../../../shared/attributes.ts'
import { valueText } from '../kit/attribute-facts.ts'

type Detail = AuditRecord['detail']

/** Text after the actor. `*` stands for the target. */
type ActionText = string | ((detail: Detail) => string)

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`

function roleText(role: unknown): string {
  const known = choiceValues(USER_ATTRIBUTES.role).find((one) => one === role)
  return known ? withArticle(valueText(toConsoleEnglish(), USER_ATTRIBUTES.role, known).toLowerCase()) : 'a user'
}

/** The role after the event. */
const newRole = ({ changes }: Detail): unknown => (changes as { role?: AttributeChange } | undefined)?.role?.to

/** Legacy compatibility options by their column in `clients`. */
const LEGACY_OPTIONS: Readonly<Record<string, string>> = {
  query_credentials: 'client secret in query parameters',
  client_credentials_refresh: 'refresh tokens for client credentials',
}

const timesIn = ({ count }: Detail): string => (Number(count) > 1 ? `${Number(count)} times` : 'once')

const leakedWords = ({ kind }: Detail): string => String(kind).replaceAll('_', ' ').replace('api', 'API')

const DISABLED_REASONS: Readonly<Record<string, string>> = {
  failing: ', because its receiver failed for five days',
  gone: ', because its receiver responded 410 Gone',
}

const PASSKEY_REASONS: Readonly<Record<string, string>> = {
  counter: ' whose counter went back: it may be a copy',
  inactive: ', but may not sign in',
}

const factorWords = ({ factor }: Detail): string => (factor === 'passkey' ? 'a passkey' : 'an authenticator app')

const ACTION_TEXTS: Readonly<Record<AuditAction, ActionText>> = {
  'user.created': (detail) => `added * as ${roleText(detail.role)}`,
  'user.updated': 'changed the details of *',
  'user.role_changed': (detail) => `made * ${roleText(newRole(detail))}`,
  'user.enabled': 'enabled *',
  'user.disabled': 'disabled *',
  'user.deleted': 'deleted a user',
  'user.signed_in': ({ passkey }) => (passkey === undefined ? 'signed in' : 'signed in with a passkey'),
  'user.sign_in_refused': ({ passkey, reason }) =>
    passkey === undefined
      ? 'failed to sign in as *'
      : `failed to sign in as * with a passkey${PASSKEY_REASONS[String(reason)] ?? ''}`,
  'user.sign_in_slowed': ({ passkey }) =>
    passkey === undefined
      ? 'was rate limited while signing in as *'
      : 'was rate limited while signing in as * with a passkey',
  'user.password_reset': 'generated a one-time password for *',
  'user.password_withdrawn': 'removed the password of *',
  'user.password_changed': 'changed the password of *',
  'user.password_change_refused': 'failed to change the password of *',
  'user.second_factor_asked': 'entered the password of * and was asked for a second factor',
  'user.second_factor_refused': ({ factor, reason }) =>
    factor === 'passkey'
      ? `entered the password of *, but failed to confirm with a passkey${PASSKEY_REASONS[String(reason)] ?? ''}`
      : 'entered a wrong code for *',
  'user.second_factor_slowed': ({ factor }) =>
    factor === 'passkey'
      ? 'was rate limited while confirming with a passkey after the password of *'
      : 'was rate limited while entering codes for *',
  'user.factor_added': (detail) => `added ${factorWords(detail)} to *`,
  'user.factor_removed': (detail) => `removed ${factorWords(detail)} of *`,
  'user.factors_reset': 'reset the second factors of *',
  'user.recovery_codes_generated': 'generated new recovery codes for *',
  'user.recovery_code_used': 'used a recovery code of *',
  'user.password_reset_requested': 'requested a link for a new password of *',
  'user.invitation_sent': 'sent an invitation to * by email',
  'user.verification_sent': 'sent a link to verify the email address of *',
  'user.email_verified': 'verified the email address of *',
  'user.session_ended': 'signed * out of one session',
  'user.other_sessions_ended': 'signed * out of all other sessions',
  'user.email_change_requested': 'requested another email address for *',
  'user.tokens_revoked': 'signed * out everywhere and revoked their tokens',
  'key_pair.generated': 'generated new keys: *',
  'key_pair.ended': 'revoked *',
  'key_pair.stopped': 'stopped the key pair *',
  'client.created': 'added the application *',
  'client.updated': 'changed the settings of *',
  'client.archived': 'archived the application *',
  'client.deleted': (detail) => (detail.name ? `deleted the application “${detail.name}” (*)` : 'deleted *'),
  'client.restored': 'restored the application *',
  'client.secret_rotated': 'generated a new client secret for *',
  'client.secret_retired': 'retired a previous client secret of *',
  'client.secret_expires': ({ days }) =>
    `noted that a client secret of * expires in ${Number(days) === 1 ? '1 day' : `${Number(days)} days`}`,
  'client.secret_retirement_planned': 'changed when a previous client secret of * retires',
  'client.tokens_revoked': 'revoked all tokens of *',
  'client.legacy_option_used': (detail) =>
    `noted that * used ${LEGACY_OPTIONS[String(detail.kind)] ?? 'a legacy compatibility option'} ${timesIn(detail)}`,
  'mail.sent_again': 'sent a failed email to * again',
  'mail.test_sent': 'sent a test email to *',
  'consent.given': 'allowed * access',
  'consent.withdrawn': 'revoked the access of *',
  'token.revoked': 'revoked a token',
  'refresh_token.revoked': 'revoked a refresh token',
  'leak.reported': (detail) => `reported a leaked ${leakedWords(detail)} of *`,
  'leak.dismissed': (detail) => `dismissed the report of a leaked ${leakedWords(detail)} of *`,
  'webhook.created': 'added the webhook *',
  'webhook.updated': 'changed the webhook *',
  'webhook.secret_rotated': 'generated a new signing secret for the webhook *',
  'webhook.enabled': 'enabled the webhook *',
  'webhook.disabled': (detail) => `disabled the webhook *${DISABLED_REASONS[String(detail.reason)] ?? ''}`,
  'webhook.deleted': (detail) => (detail.name ? `deleted the webhook “${detail.name}” (*)` : 'deleted the webhook *'),
  'refresh_token.reused': 'reused a refresh token, which revoked the grant',
  'code.reused': 'reused an authorization code, which revoked its tokens',
  'account.created': 'added the account *',
  'account.updated': 'changed the account *',
  'account.enabled': 'enabled the account *',
  'account.disabled': 'disabled the account *',
  'account.deleted': (detail) => (detail.name ? `deleted the account “${detail.name}” (*)` : 'deleted the account *'),
  'account.api_enabled': 'enabled the API for *',
  'account.api_disabled': 'disabled the API for *',
  'api.created': 'added the API *',
  'api.updated': 'changed the API *',
  'api.deleted': 'deleted the API *',
  'api.scope_described': 'changed a scope description of the API *',
  'signing_key.rotated': 'rotated a signing key',
  'signing_key.revoked': 'revoked a signing key',
  'encryption_key.rotated': 'rotated the encryption key',
  'instance.updated': 'changed the settings of this instance',
  'instance.api_enabled': 'enabled the API for the whole instance',
  'instance.api_disabled': 'disabled the API for the whole instance',
  'audit.chain_begun': 'started the audit chain with existing events',
}

/** Texts for an actor who is also the target. */
const OWN_ACTION_TEXTS: Readonly<Record<string, ActionText>> = {
  'user.updated': 'changed their details',
  'user.password_changed': 'changed their password',
  'user.password_change_refused': 'failed to change their password: the current password was wrong',
  'user.session_ended': 'signed out of one of their sessions',
  'user.other_sessions_ended': 'signed out of all their other sessions',
  'user.factor_added': (detail) => `added ${factorWords(detail)}`,
  'user.factor_removed': (detail) => `removed ${factorWords(detail)}`,
  'user.recovery_codes_generated': 'generated new recovery codes',
  'user.recovery_code_used': 'used a recovery code',
  'user.factors_reset': 'reset their second factors',
  'user.tokens_revoked': 'signed out everywhere and revoked their tokens',
  'user.password_reset': 'generated a one-time password for themselves',
  'key_pair.generated': 'generated new keys',
  'mail.test_sent': 'sent themselves a test email',
}

/** All actions with a text. A test compares them with the actions that the sources record. */
export const KNOWN_ACTIONS: ReadonlySet<string> = new Set(Object.keys(ACTION_TEXTS))

/** The text of an action with `*` for the target. An unknown action is shown by its name. */
export function actionText({ action, actor, target, detail }: AuditRecord): string {
  const whose = target.type === 'user' ? target.id : detail.user_id
  const isOwn = actor.id !== null && actor.id === whose
  const own = isOwn && Object.hasOwn(OWN_ACTION_TEXTS, action) ? OWN_ACTION_TEXTS[action] : undefined
  const words = own ?? (Object.hasOwn(ACTION_TEXTS, action) ? ACTION_TEXTS[action as AuditAction] : `${action} *`)
  return typeof words === 'string' ? words : words(detail)
}

export interface ActionKind {
  /** Prefix of the action names. */
  readonly value: string
  readonly label: string
}

/** Filter choices. */
export const ACTION_KINDS: readonly ActionKind[] = [
  { value: 'user.sign', label: 'Sign-ins' },
  { value: 'user.password', label: 'Passwords' },
  { value: 'user.factor', label: 'Second factors' },
  { value: 'user.', label: 'Users' },
  { value: 'key_pair.', label: 'Key pairs' },
  { value: 'client.', label: 'Applications' },
  { value: 'consent.', label: 'Consent' },
  { value: 'token.', label: 'Revoked tokens' },
  { value: 'refresh_token.', label: 'Refresh tokens' },
  { value: 'code.', label: 'Reused authorization codes' },
  { value: 'leak.', label: 'Leaked credentials' },
  { value: 'webhook.', label: 'Webhooks' },
]

export const OPERATOR_ACTION_KINDS: readonly ActionKind[] = [
  ...ACTION_KINDS,
  { value: 'account.', label: 'Accounts' },
  { value: 'api.', label: 'APIs' },
  { value: 'signing_key.', label: 'Signing keys' },
  { value: 'encryption_key.', label: 'Encryption key' },
  { value: 'mail.', label: 'Email' },
  { value: 'instance.', label: 'This instance' },
]
