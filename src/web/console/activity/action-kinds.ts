import type { ConsoleText } from '../../../languages/console/console-text.ts'

export interface ActionKind {
  /** Prefix of the action names. */
  readonly value: string
  readonly label: ConsoleText
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
  { value: 'identity_provider.', label: 'Identity providers' },
  { value: 'scim_token.', label: 'SCIM tokens' },
  { value: 'initial_access_token.', label: 'Initial access tokens' },
  { value: 'software_statement_issuer.', label: 'Software statements' },
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
