import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { AuditAction } from '../../../audit/audit-actions.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { AuditRecord } from '../../../management/activity-operations.ts'
import { type AttributeChange, choiceValues } from '../../../shared/attributes.ts'
import { credentialKindIn } from '../../../shared/credential-kinds.ts'
import { type ActionText, OWN_ACTION_TEXTS } from './own-action-texts.ts'

type Detail = AuditRecord['detail']

/** `other` for a role that this version does not know. */
const roleIn = (role: unknown): string => choiceValues(USER_ATTRIBUTES.role).find((one) => one === role) ?? 'other'

/** The role after the event. */
const newRole = ({ changes }: Detail): unknown => (changes as { role?: AttributeChange } | undefined)?.role?.to

/** At least 1. */
const countIn = (count: unknown): number => Math.max(1, Number(count) || 1)

const ACTION_TEXTS: Readonly<Record<AuditAction, ActionText>> = {
  'user.created': ({ role }) => [
    '{actor} added {target} as {role, select, member {a member} viewer {a viewer} developer {a developer} admin {an admin} operator {an operator} other {a user}}',
    { role: roleIn(role) },
  ],
  'user.updated': '{actor} changed the details of {target}',
  'user.role_changed': (detail) => [
    '{actor} made {target} {role, select, member {a member} viewer {a viewer} developer {a developer} admin {an admin} operator {an operator} other {a user}}',
    { role: roleIn(newRole(detail)) },
  ],
  'user.enabled': '{actor} enabled {target}',
  'user.disabled': '{actor} disabled {target}',
  'user.deleted': '{actor} deleted a user',
  'user.signed_in': ({ passkey, at, identity_provider: provider }) => {
    if (at === 'product') return ['{actor} signed in at your product']
    if (passkey !== undefined) return ['{actor} signed in with a passkey']
    return [provider === undefined ? '{actor} signed in' : '{actor} signed in through an identity provider']
  },
  'user.sign_in_accepted': '{actor} accepted a sign-in of {target} at your product',
  'user.sign_in_refused': ({ passkey, reason }) =>
    passkey === undefined
      ? ['{actor} failed to sign in as {target}']
      : [
          '{actor} failed to sign in as {target} with a passkey{reason, select, counter { whose counter went back: it may be a copy} inactive {, but may not sign in} other {}}',
          { reason: String(reason) },
        ],
  'user.sign_in_slowed': ({ passkey }) => [
    passkey === undefined
      ? '{actor} was rate limited while signing in as {target}'
      : '{actor} was rate limited while signing in as {target} with a passkey',
  ],
  'user.password_reset': '{actor} generated a one-time password for {target}',
  'user.earlier_credentials_ended': '{actor} ended what was set up before to sign in as {target}',
  'user.earlier_credentials_kept': '{actor} kept what was set up before to sign in as {target}',
  'user.password_withdrawn': '{actor} removed the password of {target}',
  'user.password_changed': '{actor} changed the password of {target}',
  'user.password_change_refused': '{actor} failed to change the password of {target}',
  'user.second_factor_asked': '{actor} entered the password of {target} and was asked for a second factor',
  'user.second_factor_refused': ({ factor, reason }) =>
    factor === 'passkey'
      ? [
          '{actor} entered the password of {target}, but failed to confirm with a passkey{reason, select, counter { whose counter went back: it may be a copy} inactive {, but may not sign in} other {}}',
          { reason: String(reason) },
        ]
      : ['{actor} entered a wrong code for {target}'],
  'user.second_factor_slowed': ({ factor }) => [
    factor === 'passkey'
      ? '{actor} was rate limited while confirming with a passkey after the password of {target}'
      : '{actor} was rate limited while entering codes for {target}',
  ],
  'user.factor_added': ({ factor }) => [
    '{actor} added {factor, select, passkey {a passkey} other {an authenticator app}} to {target}',
    { factor: String(factor) },
  ],
  'user.factor_removed': ({ factor }) => [
    '{actor} removed {factor, select, passkey {a passkey} other {an authenticator app}} of {target}',
    { factor: String(factor) },
  ],
  'user.factors_reset': '{actor} reset the second factors of {target}',
  'user.recovery_codes_generated': '{actor} generated new recovery codes for {target}',
  'user.recovery_code_used': '{actor} used a recovery code of {target}',
  'user.password_reset_requested': '{actor} requested a link for a new password of {target}',
  'user.invitation_sent': '{actor} sent an invitation to {target} by email',
  'user.invitation_accepted': '{actor} accepted the invitation of {target}',
  'user.invitation_declined': '{actor} declined the invitation of {target}',
  'user.address_confirmed': '{actor} confirmed that {target} has this email address',
  'user.verification_sent': '{actor} sent a link to verify the email address of {target}',
  'user.email_verified': '{actor} verified the email address of {target}',
  'user.console_session_created': '{actor} created a console session for {target}',
  'user.console_session_opened': '{actor} opened a console session of {target}',
  'user.token_delegated': '{actor} obtained a token to act for {target}',
  'user.identity_linked': ({ provider }) => [
    '{actor} connected {target} with {provider}',
    { provider: String(provider) },
  ],
  'user.identity_removed': ({ provider }) => [
    '{actor} disconnected {target} from {provider}',
    { provider: String(provider) },
  ],
  'user.session_ended': '{actor} signed {target} out of one session',
  'user.other_sessions_ended': '{actor} signed {target} out of all other sessions',
  'user.email_change_requested': '{actor} requested another email address for {target}',
  'user.sessions_ended_by_provider': '{actor} signed {target} out, because they signed out at their identity provider',
  'user.tokens_revoked': '{actor} signed {target} out everywhere and revoked their tokens',
  'membership.added': ({ role }) => [
    '{actor} added {target} to the account as {role, select, member {a member} viewer {a viewer} developer {a developer} admin {an admin} other {a user}}',
    { role: roleIn(role) },
  ],
  'membership.removed': '{actor} removed {target} from the account',
  'membership.enabled': '{actor} enabled {target} in the account',
  'membership.disabled': '{actor} disabled {target} in the account',
  'key_pair.generated': '{actor} generated new keys: {target}',
  'key_pair.ended': '{actor} revoked {target}',
  'key_pair.stopped': '{actor} stopped the key pair {target}',
  'client.created': '{actor} added the application {target}',
  'client.updated': '{actor} changed the settings of {target}',
  'client.archived': '{actor} archived the application {target}',
  'client.deleted': ({ name }) =>
    name
      ? ['{actor} deleted the application “{name}” ({target})', { name: String(name) }]
      : ['{actor} deleted {target}'],
  'client.restored': '{actor} restored the application {target}',
  'client.secret_rotated': (detail) => [
    '{kind, select, key {{actor} replaced the public keys of {target}} certificate {{actor} replaced the certificate of {target}} trust {{actor} replaced the trusts of {target}} other {{actor} generated a new client secret for {target}}}',
    { kind: credentialKindIn(detail) },
  ],
  'client.keys_added': '{actor} added public keys to {target}',
  'client.keys_fetched': '{actor} fetched changed public keys of {target}',
  'client.trust_added': '{actor} added a trust in an issuer to {target}',
  'client.trust_changed': '{actor} changed a trust in an issuer of {target}',
  'client.secret_retired': (detail) => [
    '{actor} retired {kind, select, key {a public key} certificate {a certificate} trust {a trust} api_key {a previous API key} other {a previous client secret}} of {target}',
    { kind: credentialKindIn(detail) },
  ],
  'client.secret_expires': ({ days, ...detail }) => [
    '{actor} noted that {kind, select, key {a public key} certificate {a certificate} trust {a trust} api_key {an API key} other {a client secret}} of {target} expires in {days, plural, one {# day} other {# days}}',
    { days: Number(days), kind: credentialKindIn(detail) },
  ],
  'client.secret_retirement_planned': (detail) => [
    '{actor} changed when {kind, select, key {a previous public key} certificate {a previous certificate} trust {a previous trust} api_key {a previous API key} other {a previous client secret}} of {target} retires',
    { kind: credentialKindIn(detail) },
  ],
  'client.tokens_revoked': '{actor} revoked all tokens of {target}',
  'client.legacy_option_used': ({ kind, count }) => [
    '{actor} noted that {target} used {option, select, query_credentials {client secret in query parameters} client_credentials_refresh {refresh tokens for client credentials} endpoint_audience {endpoint URLs as audience} other {a legacy compatibility option}} {count, plural, one {once} other {# times}}',
    { option: String(kind), count: countIn(count) },
  ],
  'mail.sent_again': '{actor} sent a failed email to {target} again',
  'mail.test_sent': '{actor} sent a test email to {target}',
  'consent.given': '{actor} allowed {target} access',
  'consent.withdrawn': '{actor} revoked the access of {target}',
  'token.exchanged': '{actor} exchanged a token of {target}',
  'token.obtained_for_user': '{actor} obtained a token to act for {target}',
  'token.obtained_for_account': '{actor} obtained a token to act for {target}',
  'token.obtained_by_assertion':
    '{actor} obtained a token to act for {target} by an assertion of their identity provider',
  'token.revoked': '{actor} revoked a token',
  'refresh_token.revoked': '{actor} revoked a refresh token',
  'leak.reported': ({ kind }) => [
    '{actor} reported a leaked {kind, select, client_secret {client secret} api_key {API key} access_token {access token} other {refresh token}} of {target}',
    { kind: String(kind) },
  ],
  'leak.dismissed': ({ kind }) => [
    '{actor} dismissed the report of a leaked {kind, select, client_secret {client secret} api_key {API key} access_token {access token} other {refresh token}} of {target}',
    { kind: String(kind) },
  ],
  'identity_provider.created': '{actor} added the identity provider {target}',
  'identity_provider.updated': '{actor} changed the identity provider {target}',
  'identity_provider.enabled': '{actor} enabled the identity provider {target}',
  'identity_provider.disabled': '{actor} disabled the identity provider {target}',
  'identity_provider.deleted': ({ name }) =>
    name
      ? ['{actor} deleted the identity provider “{name}” ({target})', { name: String(name) }]
      : ['{actor} deleted the identity provider {target}'],
  'identity_provider.domain_added': ({ domain }) => [
    '{actor} added the email domain {domain} to the identity provider {target}',
    { domain: String(domain) },
  ],
  'identity_provider.domain_verified': ({ domain }) => [
    '{actor} verified the email domain {domain} of the identity provider {target}',
    { domain: String(domain) },
  ],
  'identity_provider.domain_removed': ({ domain }) => [
    '{actor} removed the email domain {domain} from the identity provider {target}',
    { domain: String(domain) },
  ],
  'webhook.created': '{actor} added the webhook {target}',
  'webhook.updated': '{actor} changed the webhook {target}',
  'webhook.secret_rotated': '{actor} generated a new signing secret for the webhook {target}',
  'webhook.enabled': '{actor} enabled the webhook {target}',
  'webhook.disabled': ({ reason }) => [
    '{actor} disabled the webhook {target}{reason, select, failing {, because its receiver failed for five days} gone {, because its receiver responded 410 Gone} other {}}',
    { reason: String(reason) },
  ],
  'webhook.deleted': ({ name }) =>
    name
      ? ['{actor} deleted the webhook “{name}” ({target})', { name: String(name) }]
      : ['{actor} deleted the webhook {target}'],
  'scim_token.generated': '{actor} generated a SCIM token',
  'scim_token.revoked': '{actor} revoked a SCIM token',
  'initial_access_token.generated': '{actor} generated an initial access token',
  'initial_access_token.revoked': '{actor} revoked an initial access token',
  'software_statement_issuer.trusted': ({ issuer }) => [
    '{actor} trusted the software statements of {issuer}',
    { issuer: String(issuer) },
  ],
  'software_statement_issuer.removed': ({ issuer }) => [
    '{actor} stopped trusting the software statements of {issuer}',
    { issuer: String(issuer) },
  ],
  'refresh_token.reused': '{actor} reused a refresh token, which revoked the grant',
  'code.reused': '{actor} reused an authorization code, which revoked its tokens',
  'account.created': '{actor} added the account {target}',
  'account.updated': '{actor} changed the account {target}',
  'account.enabled': '{actor} enabled the account {target}',
  'account.disabled': '{actor} disabled the account {target}',
  'account.deleted': ({ name }) =>
    name
      ? ['{actor} deleted the account “{name}” ({target})', { name: String(name) }]
      : ['{actor} deleted the account {target}'],
  'account.api_enabled': '{actor} enabled the API for {target}',
  'account.api_disabled': '{actor} disabled the API for {target}',
  'api.created': '{actor} added the API {target}',
  'api.updated': '{actor} changed the API {target}',
  'api.deleted': '{actor} deleted the API {target}',
  'api.scope_described': '{actor} changed a scope description of the API {target}',
  'signing_key.rotated': '{actor} rotated a signing key',
  'signing_key.revoked': '{actor} revoked a signing key',
  'encryption_key.rotated': '{actor} rotated the encryption key',
  'instance.updated': '{actor} changed the settings of this instance',
  'instance.sign_in_rejected': '{actor} rejected a sign-in at your product',
  'instance.api_enabled': '{actor} enabled the API for the whole instance',
  'instance.api_disabled': '{actor} disabled the API for the whole instance',
  'audit.chain_begun': '{actor} started the audit chain with existing events',
}

/** All actions with a text. A test compares them with the actions that the sources record. */
export const KNOWN_ACTIONS: ReadonlySet<string> = new Set(Object.keys(ACTION_TEXTS))

/** How an event calls its actor and its target. */
export interface EventNames {
  readonly actor: string
  readonly target: string
}

/** An event as a sentence. An unknown action is shown by its name. */
export function actionText(
  t: ConsoleTranslate,
  { action, actor, target, detail }: AuditRecord,
  names: EventNames,
): string {
  const whose = target.type === 'user' ? target.id : detail.user_id
  const isOwn = actor.id !== null && actor.id === whose
  const own = isOwn && Object.hasOwn(OWN_ACTION_TEXTS, action) ? OWN_ACTION_TEXTS[action] : undefined
  const known = own ?? (Object.hasOwn(ACTION_TEXTS, action) ? ACTION_TEXTS[action as AuditAction] : undefined)
  if (known === undefined) return `${names.actor} ${action} ${names.target}`
  const [text, values] = typeof known === 'string' ? [known] : known(detail)
  return t(text, { ...values, ...names })
}
