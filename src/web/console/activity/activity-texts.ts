import type { AuditRecord } from '../../../management/activity-operations.ts'

type Detail = AuditRecord['detail']

/** What comes between who did it and what it was done to, which stands for `*`. */
type Words = string | ((detail: Detail) => string)

const ROLES: Readonly<Record<string, string>> = { admin: 'an admin', member: 'a member', operator: 'an operator' }

const roleIn = (detail: Detail, name: string): string => ROLES[String(detail[name])] ?? 'somebody'

/** Concessions to old clients, by their name in `client_settings`. */
const LEGACY_OPTIONS: Readonly<Record<string, string>> = {
  query_credentials: 'credentials in the address',
  client_credentials_refresh: 'a refresh token that stands for no person',
}

const timesIn = ({ count }: Detail): string => (Number(count) > 1 ? `${Number(count)} times` : 'once')

const ACTS: Readonly<Record<string, Words>> = {
  'user.created': (detail) => `added * as ${roleIn(detail, 'role')}`,
  'user.updated': 'changed the name or address of *',
  'user.role_changed': (detail) => `made * ${roleIn(detail, 'to')}`,
  'user.enabled': 'switched * on',
  'user.disabled': 'switched * off',
  'user.signed_in': 'signed in',
  'user.sign_in_refused': 'was refused a sign-in as *',
  'user.sign_in_slowed': 'tried too often to sign in as *',
  'user.password_reset': 'gave * a new one-time password',
  'user.password_withdrawn': 'withdrew the password of *',
  'user.password_changed': 'chose a new password for *',
  'user.password_change_refused': 'was refused a new password for *',
  'user.tokens_revoked': 'signed * out everywhere and revoked their tokens',
  'key_pair.generated': 'generated new keys: *',
  'key_pair.ended': 'ended *',
  'client.created': 'added the application *',
  'client.updated': 'changed the application *',
  'client.archived': 'archived the application *',
  'client.restored': 'restored the application *',
  'client.secret_rotated': 'generated a new secret for *',
  'client.secret_retired': 'retired a previous secret of *',
  'client.tokens_revoked': 'revoked every token of *',
  'client.legacy_option_used': (detail) =>
    `noted that * used ${LEGACY_OPTIONS[String(detail.kind)] ?? 'a concession to old clients'} ${timesIn(detail)}`,
  'consent.given': 'allowed * access',
  'consent.withdrawn': 'withdrew the access of *',
  'token.revoked': 'revoked a token',
  'refresh_token.revoked': 'revoked a refresh token',
  'refresh_token.reused': 'used a refresh token twice, which ended what came of it',
  'code.reused': 'used a code twice, which ended what came of it',
  'account.created': 'added the account *',
  'account.renamed': 'renamed the account *',
  'account.enabled': 'switched the account * on',
  'account.disabled': 'switched the account * off',
  'account.api_enabled': 'switched the API on for *',
  'account.api_disabled': 'switched the API off for *',
  'api.created': 'declared the API *',
  'api.updated': 'changed the API *',
  'api.scope_described': 'described a scope of the API *',
  'signing_key.rotated': 'rotated a signing key',
  'encryption_key.rotated': 'rotated the encryption key',
  'instance.updated': 'changed the settings of this instance',
  'instance.api_enabled': 'switched the API on for everybody',
  'instance.api_disabled': 'switched the API off for everybody',
  'audit.chain_begun': 'began to chain the audit log, in which entries stood already',
}

/** What people do to themselves reads differently. */
const TO_ONESELF: Readonly<Record<string, string>> = {
  'user.updated': 'changed their name or address',
  'user.password_changed': 'chose a new password',
  'user.password_change_refused': 'was refused a new password: the present one was wrong',
  'user.tokens_revoked': 'signed out everywhere and revoked their tokens',
  'user.password_reset': 'took a new one-time password',
  'key_pair.generated': 'generated new keys',
}

/** Each act that has words; a test holds them against what the sources record. */
export const KNOWN_ACTIONS: ReadonlySet<string> = new Set(Object.keys(ACTS))

/** The act in words, with `*` for what it was done to where that is named; an unknown one by its own name. */
export function wordsOf({ action, actor, target, detail }: AuditRecord): string {
  const whose = target.type === 'user' ? target.id : detail.user_id
  const isOwn = actor.id !== null && actor.id === whose
  const own = isOwn && Object.hasOwn(TO_ONESELF, action) ? TO_ONESELF[action] : undefined
  if (own) return own
  const words = Object.hasOwn(ACTS, action) ? ACTS[action]! : `${action} *`
  return typeof words === 'string' ? words : words(detail)
}

export interface ActionKind {
  /** How the names of the acts begin. */
  readonly value: string
  readonly label: string
}

/** What can be looked for. */
export const ACTION_KINDS: readonly ActionKind[] = [
  { value: 'user.sign', label: 'Sign-ins' },
  { value: 'user.password', label: 'Passwords' },
  { value: 'user.', label: 'People' },
  { value: 'key_pair.', label: 'Key pairs' },
  { value: 'client.', label: 'Applications' },
  { value: 'consent.', label: 'Access that people allowed' },
  { value: 'token.', label: 'Tokens revoked' },
  { value: 'refresh_token.', label: 'Refresh tokens' },
  { value: 'code.', label: 'Codes used twice' },
]

export const OPERATOR_ACTION_KINDS: readonly ActionKind[] = [
  ...ACTION_KINDS,
  { value: 'account.', label: 'Accounts' },
  { value: 'api.', label: 'APIs' },
  { value: 'signing_key.', label: 'Signing keys' },
  { value: 'encryption_key.', label: 'Encryption key' },
  { value: 'instance.', label: 'This instance' },
]
