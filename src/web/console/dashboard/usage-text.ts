import type { UsageKind } from '../../../metrics/usage.ts'

/** What a label of the usage counts means. */
export interface UsageWords {
  /** In a legend, after a number. */
  readonly brief: string
  readonly whole: string
}

const GRANTS: Readonly<Record<string, UsageWords>> = {
  client_credentials: { brief: 'to programs', whole: 'To programs, for themselves' },
  authorization_code: { brief: 'at sign-in', whole: 'When somebody signed in' },
  refresh_token: { brief: 'renewed', whole: 'Renewed by a refresh token' },
  'urn:ietf:params:oauth:grant-type:device_code': { brief: 'on devices', whole: 'On a device without a keyboard' },
}

const ERRORS: Readonly<Record<string, UsageWords>> = {
  access_denied: { brief: 'denied', whole: 'The person said no' },
  authorization_pending: { brief: 'waiting devices', whole: 'A device that waits for its person' },
  expired_token: { brief: 'late devices', whole: 'A device whose code was too old' },
  invalid_client: { brief: 'wrong credentials', whole: 'The client did not prove who it is' },
  invalid_grant: {
    brief: 'dead grants',
    whole: 'A code or refresh token that was spent, revoked, too old or never there',
  },
  invalid_request: { brief: 'malformed', whole: 'The request was malformed' },
  invalid_scope: { brief: 'wrong scopes', whole: 'A scope that the API or the client has not' },
  invalid_target: { brief: 'wrong APIs', whole: 'An API that the client may not use' },
  rate_limit_exceeded: { brief: 'too often', whole: 'More often than the client may' },
  server_error: { brief: 'our failures', whole: 'Something went wrong on our side' },
  slow_down: { brief: 'too often', whole: 'More often than the client may' },
  temporarily_unavailable: { brief: 'unavailable', whole: 'The database was not within reach' },
  unauthorized_client: { brief: 'grants not allowed', whole: 'A way to a token that this client may not use' },
  unsupported_grant_type: { brief: 'unknown grants', whole: 'A way to a token that nobody may use' },
}

/** Undefined of what is not known, which is shown by its name. */
export const wordsOf = (kind: UsageKind, label: string): UsageWords | undefined =>
  (kind === 'issued' ? GRANTS : ERRORS)[label]
