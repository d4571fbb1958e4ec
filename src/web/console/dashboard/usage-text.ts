import { findGrantType } from '../../../clients/grant-types.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { UsageKind } from '../../../metrics/usage.ts'
import { labelInSentence } from '../kit/label-in-sentence.ts'

/** What a label of the usage counts means. */
export interface UsageWords {
  /** In a legend, after a number. */
  readonly brief: string
  readonly whole: string
}

function wordsOfGrant(t: ConsoleTranslate, grant: string): UsageWords | undefined {
  const label = findGrantType(grant)?.label
  return label === undefined ? undefined : { brief: labelInSentence(t, label), whole: t.declared(label) }
}

const ERRORS: Readonly<Record<string, { readonly brief: ConsoleText; readonly whole: ConsoleText }>> = {
  access_denied: { brief: 'denied', whole: 'The user denied access' },
  authorization_pending: { brief: 'pending devices', whole: 'The device is waiting for the user' },
  expired_token: { brief: 'expired device codes', whole: 'The device code has expired' },
  invalid_client: { brief: 'failed authentication', whole: 'Client authentication failed' },
  invalid_grant: {
    brief: 'invalid grants',
    whole: 'The code or refresh token is unknown, used, expired or revoked',
  },
  invalid_request: { brief: 'malformed', whole: 'The request is malformed' },
  invalid_scope: { brief: 'invalid scopes', whole: 'The API or the client does not have the scope' },
  invalid_target: { brief: 'invalid APIs', whole: 'The client is not allowed to call the API' },
  rate_limit_exceeded: { brief: 'rate limited', whole: 'The client exceeded its rate limit' },
  server_error: { brief: 'server errors', whole: 'The server failed' },
  slow_down: { brief: 'too many attempts', whole: 'Too many user codes were tried, or a device polled too often' },
  temporarily_unavailable: { brief: 'unavailable', whole: 'The database was unavailable' },
  unauthorized_client: { brief: 'grants not allowed', whole: 'The client is not allowed to use the grant type' },
  unsupported_grant_type: { brief: 'unsupported grants', whole: 'The server does not support the grant type' },
}

function wordsOfError(t: ConsoleTranslate, code: string): UsageWords | undefined {
  const words = ERRORS[code]
  return words && { brief: t(words.brief), whole: t(words.whole) }
}

/** Undefined for an unknown label, which the page shows as it is. */
export const wordsOf = (t: ConsoleTranslate, kind: UsageKind, label: string): UsageWords | undefined =>
  kind === 'issued' ? wordsOfGrant(t, label) : wordsOfError(t, label)
