/** What a stable reason code means. */
export interface ReasonDescription {
  /** The OAuth error code of the response. */
  readonly error: string
  /** A heading of a few words. */
  readonly label: string
  /** What is wrong, and where it helps, what to do. */
  readonly text: string
}

/** Why a client did not authenticate. */
export const AUTHENTICATION_REFUSAL_REASONS = {
  unknown_client: {
    error: 'invalid_client',
    label: 'Unknown client ID',
    text: 'No client has this client ID.',
  },
  client_archived: {
    error: 'invalid_client',
    label: 'Client archived',
    text: 'The client is archived. Restore it to use it again.',
  },
  key_pair_replaced: {
    error: 'invalid_client',
    label: 'Key pair replaced',
    text: 'The key pair was replaced by a newer one. The caller must use the new client ID and client secret.',
  },
  account_disabled: {
    error: 'invalid_client',
    label: 'Account disabled',
    text: 'The account that owns the client is disabled.',
  },
  api_disabled: {
    error: 'invalid_client',
    label: 'API disabled',
    text: 'The API is disabled for the account or for the whole instance.',
  },
  owner_disabled: {
    error: 'invalid_client',
    label: 'Owner disabled',
    text: 'The user who owns the key pair is disabled.',
  },
  wrong_secret: {
    error: 'invalid_client',
    label: 'Wrong client secret',
    text: 'The client secret is not one of this client.',
  },
  secret_retired: {
    error: 'invalid_client',
    label: 'Client secret retired',
    text: 'The client secret was rotated or retired. The caller must use the new one.',
  },
  secret_expired: {
    error: 'invalid_client',
    label: 'Client secret expired',
    text: 'The client secret has expired. Generate a new one.',
  },
  wrong_api_key: {
    error: 'invalid_client',
    label: 'Wrong or missing API key',
    text: 'The client secret is right, but the x-api-key header does not hold the API key of this client.',
  },
  secret_missing: {
    error: 'invalid_client',
    label: 'Client secret missing',
    text: 'The request names the client but has no client secret.',
  },
  credentials_missing: {
    error: 'invalid_client',
    label: 'No client authentication',
    text: 'The request has neither a client ID nor a client secret.',
  },
  credentials_malformed: {
    error: 'invalid_client',
    label: 'Malformed client authentication',
    text: 'The Authorization header or the client assertion is malformed or of a kind that is not supported.',
  },
  assertion_invalid: {
    error: 'invalid_client',
    label: 'Client assertion invalid',
    text: 'The client assertion is malformed, lacks a claim (iss, sub, aud, exp, jti), or is valid for more than five minutes.',
  },
  assertion_audience: {
    error: 'invalid_client',
    label: 'Wrong audience of the assertion',
    text: 'The audience (aud) of the client assertion must be the issuer identifier alone, as a string.',
  },
  assertion_expired: {
    error: 'invalid_client',
    label: 'Client assertion expired',
    text: 'The client assertion has expired. The caller signs a new one for each request; its clock may be late.',
  },
  assertion_key: {
    error: 'invalid_client',
    label: 'Unknown key',
    text: 'No current key of the client signed the client assertion.',
  },
  keys_not_fetched: {
    error: 'invalid_client',
    label: 'Public keys not fetched',
    text: 'No known key of the client signed the client assertion, and the keys at its URL (jwks_uri) could not be fetched. The page of the application says why.',
  },
  assertion_replayed: {
    error: 'invalid_client',
    label: 'Client assertion used twice',
    text: 'The client assertion (jti) was used before. The caller signs a new one for each request.',
  },
  issuer_not_trusted: {
    error: 'invalid_client',
    label: 'Issuer not trusted',
    text: 'The client trusts no issuer with exactly the name in the token (iss). A slash at the end counts.',
  },
  issuer_unavailable: {
    error: 'invalid_client',
    label: 'Issuer unavailable',
    text: 'The keys of the trusted issuer could not be read, so the token could not be verified. Unless the cause is named, operators find it in the log of the server. Where Keywright cannot reach the issuer, paste its keys into the trust.',
  },
  identity_key: {
    error: 'invalid_client',
    label: 'Token not signed by the issuer',
    text: 'No current key of the trusted issuer signed the token. The issuer may have withdrawn the key.',
  },
  identity_expired: {
    error: 'invalid_client',
    label: 'Token of the workload expired',
    text: 'The token of the workload has expired. The workload must request a new one from its platform.',
  },
  identity_invalid: {
    error: 'invalid_client',
    label: 'Token of the workload invalid',
    text: 'The token of the workload is malformed, of another type, not valid yet, valid for more than 24 hours, or lacks a claim.',
  },
  identity_condition: {
    error: 'invalid_client',
    label: 'Condition of the trust not met',
    text: 'The token is of the trusted issuer, but a claim is not what the trust requires. The latest refused requests name the claim.',
  },
  certificate_missing: {
    error: 'invalid_client',
    label: 'Client certificate missing',
    text: 'The client authenticates by a certificate in TLS, or its tokens are bound to one, and the request has none. It may have been sent past the proxy that asks for certificates.',
  },
  certificate_invalid: {
    error: 'invalid_client',
    label: 'Client certificate invalid',
    text: 'The certificate is malformed, not valid at this time, or not from a certificate authority (CA) that the operator trusts.',
  },
  certificate_mismatch: {
    error: 'invalid_client',
    label: 'Unknown client certificate',
    text: 'The certificate is not one of this client, or does not have the name that is registered for it.',
  },
  network_not_allowed: {
    error: 'invalid_client',
    label: 'Network not allowed',
    text: 'The credentials are right, but the client may not request tokens from the network of the request.',
  },
} as const satisfies Record<string, ReasonDescription>
