/** Why a credential does not work. The codes are stable; the sentences may change. */
export const INSPECTION_REASONS = {
  token_expired: 'The access token has expired. The client must request a new one.',
  token_revoked: 'The access token was revoked.',
  token_replaced: 'A newer access token of the same client replaced it, because the API allows one token at a time.',
  signing_key_revoked: 'The signing key of the access token was revoked. The client must request a new token.',
  token_unknown: 'No such access token is recorded: it was never issued, or it expired long ago.',
  token_malformed: 'This is not a complete JWT. It was cut off or changed.',
  not_signed_by_issuer: 'No signing key of this issuer signed the token: another issuer did, or the token was changed.',
  not_an_access_token: 'This issuer signed the JWT, but it is not an access token. APIs accept access tokens only.',
  wrong_audience: 'The access token is for another API.',
  insufficient_scope: 'The access token lacks a scope.',
  key_pair_replaced:
    'The key pair was replaced by a newer one. The caller must use the new client ID and client secret.',
  key_pair_stopped: 'The key pair was stopped for good. Its owner can generate new keys.',
  key_pair_ended: 'The key pair was revoked, because its owner is no longer an admin.',
  client_archived: 'The client is archived. Restore it to use it again.',
  client_deleted: 'The client was deleted.',
  account_disabled: 'The account is disabled.',
  api_disabled: 'The API is disabled for the account or for the whole instance.',
  owner_disabled: 'The user who owns the key pair is disabled.',
  user_disabled: 'The user is disabled.',
  secret_retired: 'The client secret or API key was rotated or retired. The caller must use the new one.',
  secret_expired: 'The client secret or API key has expired. The caller must use a newer one.',
  secret_malformed: 'The checksum does not match: the client secret or API key was cut off or mistyped.',
  not_found: 'Nothing that you may see matches.',
  not_searchable: 'This is a refresh token or a one-time password, which cannot be looked up here.',
  unrecognized: 'This is none of the texts that can be looked up.',
} as const

export type InspectionReason = keyof typeof INSPECTION_REASONS
