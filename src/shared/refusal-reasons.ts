import { AUTHENTICATION_REFUSAL_REASONS, type ReasonDescription } from './authentication-refusal-reasons.ts'

/**
 * Why requests are refused: stable codes, finer than the OAuth error codes. The response holds only the OAuth error: the
 * reason would help an attacker who tries client IDs and client secrets.
 */
export const REFUSAL_REASONS = {
  ...AUTHENTICATION_REFUSAL_REASONS,
  grant_type_not_allowed: {
    error: 'unauthorized_client',
    label: 'Grant type not allowed',
    text: 'The client may not use this grant type.',
  },
  grant_type_not_supported: {
    error: 'unsupported_grant_type',
    label: 'Grant type not supported',
    text: 'This server does not support the grant type.',
  },
  response_type_not_allowed: {
    error: 'unsupported_response_type',
    label: 'Response type not allowed',
    text: 'The client may not use this response type.',
  },
  scope_not_allowed: {
    error: 'invalid_scope',
    label: 'Scope not allowed',
    text: 'The API or the client does not have a requested scope.',
  },
  api_not_allowed: {
    error: 'invalid_target',
    label: 'API not allowed',
    text: 'The client may not call the requested API, or the request names no API and the client has no default.',
  },
  redirect_uri_mismatch: {
    error: 'invalid_redirect_uri',
    label: 'Redirect URI mismatch',
    text: 'The redirect URI is not registered for the client, or differs from the one of the authorization request.',
  },
  pkce_missing: {
    error: 'invalid_request',
    label: 'PKCE missing',
    text: 'The client must send a code challenge (PKCE), and the request has none.',
  },
  pushed_request_missing: {
    error: 'invalid_request',
    label: 'Request not pushed',
    text: 'The client must push its authorization requests (PAR), and this one was in the URL.',
  },
  pkce_failed: {
    error: 'invalid_grant',
    label: 'PKCE failed',
    text: 'The code verifier does not match the code challenge of the authorization request.',
  },
  code_invalid: {
    error: 'invalid_grant',
    label: 'Code invalid',
    text: 'The authorization code or device code is unknown, expired, revoked or of another client.',
  },
  code_reused: {
    error: 'invalid_grant',
    label: 'Code used twice',
    text: 'The code was already redeemed. The tokens that it obtained are revoked.',
  },
  refresh_token_invalid: {
    error: 'invalid_grant',
    label: 'Refresh token invalid',
    text: 'The refresh token is unknown, expired, revoked or of another client.',
  },
  refresh_token_reused: {
    error: 'invalid_grant',
    label: 'Refresh token used twice',
    text: 'The refresh token was already redeemed. Its grant is revoked, because a copy may be stolen.',
  },
  grant_invalid: {
    error: 'invalid_grant',
    label: 'Grant invalid',
    text: 'The grant of the request is invalid.',
  },
  subject_token_invalid: {
    error: 'invalid_request',
    label: 'Subject token invalid',
    text: 'The token to exchange is expired, revoked, no access token of a user or, where a user or account is named, of the application itself, or bound to a key that the request does not prove.',
  },
  exchange_not_allowed: {
    error: 'invalid_request',
    label: 'Token exchange not allowed',
    text: 'The exchange settings of the application do not allow this exchange, or the user or account that it names does not exist or is disabled.',
  },
  identity_assertion_invalid: {
    error: 'invalid_grant',
    label: 'Identity assertion invalid',
    text: 'The identity assertion is expired, not signed by the identity provider, or for another server, client or key.',
  },
  identity_assertion_replayed: {
    error: 'invalid_grant',
    label: 'Identity assertion used twice',
    text: 'The identity assertion has obtained a token before. Each obtains one.',
  },
  identity_assertion_not_allowed: {
    error: 'invalid_grant',
    label: 'Identity assertion not allowed',
    text: 'The application or the identity provider does not accept identity assertions, or the user is unknown, not active in the account, or lacks a second factor.',
  },
  device_code_expired: {
    error: 'expired_token',
    label: 'Device code expired',
    text: 'The user did not confirm the device in time.',
  },
  polling_too_fast: {
    error: 'slow_down',
    label: 'Polling too fast',
    text: 'The device asked for its token more often than it may.',
  },
  dpop_proof_missing: {
    error: 'invalid_dpop_proof',
    label: 'DPoP proof missing',
    text: 'The client or the API accepts only tokens that are bound to a key, and the request has no DPoP proof.',
  },
  dpop_proof_invalid: {
    error: 'invalid_dpop_proof',
    label: 'DPoP proof invalid',
    text: 'The DPoP proof is malformed, used before, of another key, or for another URL, method or time.',
  },
  dpop_nonce_missing: {
    error: 'use_dpop_nonce',
    label: 'DPoP nonce missing',
    text: 'The DPoP proof has no valid nonce of the server. The caller sends another proof with the nonce of the response; its first request is always refused so.',
  },
  access_denied: {
    error: 'access_denied',
    label: 'Access denied',
    text: 'The user denied the request.',
  },
  login_required: {
    error: 'login_required',
    label: 'Sign-in required',
    text: 'The request forbids the sign-in page (prompt=none), and the user is not signed in.',
  },
  consent_required: {
    error: 'consent_required',
    label: 'Consent required',
    text: 'The request forbids the consent page (prompt=none), and the user has not allowed it before.',
  },
  account_selection_required: {
    error: 'account_selection_required',
    label: 'Account not chosen',
    text: 'The user belongs to several accounts and must choose one, which prompt=none forbids. The request can name it in account_id.',
  },
  request_object_invalid: {
    error: 'invalid_request_object',
    label: 'Request object invalid',
    text: 'The signed authorization request is malformed, expired, for another server, or not signed by a current key of the client.',
  },
  request_uri_invalid: {
    error: 'invalid_request_uri',
    label: 'Request URI invalid',
    text: 'The pushed authorization request is unknown, expired or already used.',
  },
  rate_limited: {
    error: 'rate_limit_exceeded',
    label: 'Rate limited',
    text: 'The client exceeded its rate limit.',
  },
  quota_exceeded: {
    error: 'rate_limit_exceeded',
    label: 'Quota exceeded',
    text: 'The client or its account has got all the tokens that its quota allows in this hour or day.',
  },
  malformed_request: {
    error: 'invalid_request',
    label: 'Malformed request',
    text: 'A parameter is missing, malformed or given twice.',
  },
  unavailable: {
    error: 'temporarily_unavailable',
    label: 'Unavailable',
    text: 'The database was unavailable. The caller can try again.',
  },
  server_error: {
    error: 'server_error',
    label: 'Server error',
    text: 'The server failed. The log has the request ID.',
  },
  other: {
    error: 'invalid_request',
    label: 'Other',
    text: 'The request was refused for another reason. The log has the request ID.',
  },
} as const satisfies Record<string, ReasonDescription>

export type RefusalReason = keyof typeof REFUSAL_REASONS

/** `other` for a reason of a newer version: during an upgrade both versions use the database. */
export const toRefusalReason = (stored: string): RefusalReason =>
  Object.hasOwn(REFUSAL_REASONS, stored) ? (stored as RefusalReason) : 'other'

/** A refusal with its reason as this version knows it. */
export const withKnownReason = <T extends { readonly reason: string }>(
  stored: T,
): T & { readonly reason: RefusalReason } => ({
  ...stored,
  reason: toRefusalReason(stored.reason),
})
