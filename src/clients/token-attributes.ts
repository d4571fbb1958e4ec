import { allowedNetworksError } from '../shared/allowed-networks.ts'
import { attribute, boolean, choice, duration, nullable, rate, words } from '../shared/attributes.ts'
import {
  accessTokenTtlError,
  DEFAULT_REFRESH_TOKEN_MAX_AGE,
  MAX_ACCESS_TOKEN_TTL,
  MAX_REFRESH_TOKEN_MAX_AGE,
  MAX_REFRESH_TOKEN_TTL,
  MAX_REUSE_WINDOW,
  refreshTokenMaxAgeError,
  refreshTokenTtlError,
  reuseWindowError,
} from '../shared/lifetimes.ts'
import { quotaAttributes } from '../shared/quota-attributes.ts'
import { rateLimitError } from '../shared/rate-limit-format.ts'

/** Whether an application acts for users who sign in, for itself, or both. Only operators set it. */
export type AccessType = 'user' | 'client' | 'both'

/** How long an application's tokens are valid, how often it may get them, and which deviations from standards it needs. */
export const TOKEN_ATTRIBUTES = {
  accessTokenTtl: attribute({
    type: nullable(duration(MAX_ACCESS_TOKEN_TTL, 'hours'), 'from the API'),
    initial: null,
    section: 'tokens',
    label: 'Access token lifetime',
    hint: 'At most 30 days. Leave empty to use the lifetime of the API.',
    description: 'In seconds; null: the lifetime of the API',
    example: 3600,
    option: { help: "Access token lifetime, 60 to 2592000; default: the API's", nullWord: 'default' },
    validate: accessTokenTtlError,
  }),
  /** From the last rotation. */
  refreshTokenTtl: attribute({
    type: nullable(duration(MAX_REFRESH_TOKEN_TTL, 'days'), '30 days'),
    initial: null,
    section: 'tokens',
    label: 'Refresh token lifetime',
    hint: 'Counted from the last use, at most 366 days. Leave empty for 30 days.',
    description: 'In seconds, from the last rotation; null: 30 days',
    example: 3600,
    option: { help: 'Refresh token lifetime, 60 to 31622400; default: 30 days', nullWord: 'default' },
    validate: refreshTokenTtlError,
  }),
  /** From the sign-in. */
  refreshTokenMaxAge: attribute({
    type: nullable(duration(MAX_REFRESH_TOKEN_MAX_AGE, 'days'), 'no limit'),
    initial: DEFAULT_REFRESH_TOKEN_MAX_AGE,
    section: 'tokens',
    label: 'Maximum session age',
    hint: 'Users must sign in again after this time, at most 3650 days. Leave empty for no limit.',
    description: 'In seconds, from the sign-in; null: no maximum age',
    example: 3600,
    option: {
      help: 'Time after the sign-in at which refresh tokens expire even if used, 60 to 315360000; default: 31622400',
      nullWord: 'off',
    },
    validate: refreshTokenMaxAgeError,
  }),
  /** When a request without `openid` gets a refresh token. */
  refreshTokens: attribute({
    type: choice<'always' | 'offline_access'>([
      {
        value: 'always',
        label: 'Always',
        hint: 'With every authorization code, if the refresh token grant is allowed.',
      },
      { value: 'offline_access', label: 'On request', hint: 'With the scope offline_access.' },
    ]),
    initial: 'always',
    section: 'tokens',
    label: 'Refresh token issuance',
    description:
      'Which requests without the scope openid get a refresh token: all, or those with the scope offline_access',
    option: {
      help: 'Requests without the scope openid that get a refresh token; offline_access: those with that scope; default: always',
    },
  }),
  policy: attribute({
    type: nullable(
      choice<'none' | 'single'>([
        { value: 'none', label: 'Keep earlier tokens', hint: 'Each token is valid until it expires.' },
        { value: 'single', label: 'Revoke the earlier token', hint: 'One active token for each user and API.' },
      ]),
      'Use the policy of the API',
    ),
    initial: null,
    section: 'tokens',
    label: 'Token policy',
    description: 'single: a new token revokes the earlier one; null: the policy of the API',
    option: { help: "single: a new token revokes the earlier one; default: the API's", nullWord: 'default' },
  }),
  /** From the issuance. */
  reuseWindow: attribute({
    type: nullable(duration(MAX_REUSE_WINDOW, 'minutes'), 'a new token each time'),
    initial: null,
    section: 'tokens',
    label: 'Token reuse',
    hint: 'For this time, the same client credentials request (API and scopes) receives the same access token. At most 24 hours. Leave empty for a new token each time.',
    description:
      'In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time',
    example: 300,
    option: {
      help: 'Time in which the same client_credentials request receives the same access token, 60 to 86400; default: off',
      nullWord: 'off',
    },
    validate: reuseWindowError,
  }),
  allowedNetworks: attribute({
    type: nullable(words, 'any network'),
    initial: null,
    section: 'tokens',
    label: 'Allowed networks',
    hint: 'Addresses or networks (CIDR) that token requests may come from, separated by spaces. Leave empty for any network. Removing a network revokes the access tokens.',
    placeholder: '192.0.2.0/24 2001:db8::/32',
    description:
      'Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens',
    example: ['192.0.2.0/24'],
    option: {
      help: 'Networks (CIDR) that token requests may come from, space-separated; default: off',
      nullWord: 'off',
    },
    validate: allowedNetworksError,
  }),
  queryCredentials: attribute({
    type: boolean,
    initial: false,
    section: 'legacy',
    label: 'Client secret in query parameters',
    hint: 'Accepts the client ID and client secret as query parameters. URLs are stored in logs and browser histories, which exposes the secret.',
    description: 'Accept client credentials in the query string, where logs may record them',
    option: { help: 'Accept parameters and credentials in the query (against RFC 6749); default: off' },
  }),
  clientCredentialsRefresh: attribute({
    type: boolean,
    initial: false,
    section: 'legacy',
    label: 'Refresh tokens for client credentials',
    hint: 'The standard issues none, because the client secret serves the same purpose. A refresh token is one more secret that can leak.',
    description: 'Issue a refresh token for client_credentials',
    option: { help: 'Return a refresh token for client_credentials too; default: off' },
  }),
  endpointAudiences: attribute({
    type: boolean,
    initial: false,
    section: 'legacy',
    label: 'Endpoint URLs as audience',
    hint: 'For client authentication by a private key: accepts JWTs whose audience is an endpoint, such as the token endpoint, or a list. The standard now requires the issuer alone, so that no other server can use the JWT here.',
    description:
      'Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs',
    option: { help: 'Accept URLs of endpoints as audience of signed JWTs (against RFC 7523bis); default: off' },
  }),
  apiKeyRequired: attribute({
    type: boolean,
    initial: false,
    section: 'legacy',
    label: 'API key (x-api-key header)',
    hint: 'Requires an API key with every token request. The API key is shown once, when you save.',
    description: 'Require an API key in the x-api-key header',
    option: { flag: 'api-key', help: 'Require an x-api-key header beside the client secret; default: off' },
  }),
  /** Always true for public clients. */
  /** RFC 8705, section 3 (`tls_client_certificate_bound_access_tokens`). */
  certificateBoundAccessTokens: attribute({
    type: boolean,
    initial: false,
    section: 'proofs',
    label: 'Certificate-bound access tokens',
    hint: 'Each token request needs a client certificate in TLS, and only its owner can use the token. APIs must check it.',
    description:
      'Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound',
    option: { help: 'on: bind access tokens to the client certificate of the request (RFC 8705); default: off' },
  }),
  pkceRequired: attribute({
    type: boolean,
    initial: true,
    section: 'legacy',
    label: 'PKCE required',
    opposite: {
      label: 'Authorization codes without PKCE',
      hint: 'For applications that do not support PKCE. Only the client secret then protects an intercepted code.',
    },
    description: 'Require PKCE (RFC 7636); always true for public clients',
    option: {
      flag: 'pkce',
      jsonName: 'pkce',
      onOffWords: ['required', 'optional'],
      help: 'optional: also issue codes without PKCE (not with --public); default: required',
    },
  }),
  /** Always true for public clients. */
  refreshTokenRotation: attribute({
    type: boolean,
    initial: true,
    section: 'legacy',
    label: 'Refresh token rotation',
    opposite: {
      label: 'No refresh token rotation',
      hint: 'The refresh token stays the same until it expires. Use of a stolen refresh token is not detected.',
    },
    description: 'Each use of a refresh token replaces it; always true for public clients',
    option: { help: 'off: a refresh token can be used until it expires (not with --public); default: on' },
  }),
  rateLimit: attribute({
    type: nullable(rate, 'no limit'),
    initial: null,
    operatorOnly: true,
    section: 'operator',
    label: 'Rate limit',
    hint: 'Token requests above the limit get status 429. Leave empty for no limit.',
    description: 'Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit',
    example: { count: 10, period: 1 },
    option: { help: 'Limit of token requests, 429 beyond it; default: off', nullWord: 'off' },
    validate: rateLimitError,
  }),
  ...quotaAttributes({ section: 'operator', getter: 'the application gets', operatorOnly: true }),
  accessType: attribute({
    type: choice<AccessType>([
      { value: 'both', label: 'Users and client credentials' },
      { value: 'user', label: 'Users only' },
      { value: 'client', label: 'Client credentials only' },
    ]),
    initial: 'both',
    operatorOnly: true,
    section: 'operator',
    label: 'Access type',
    hint: 'Limits the grant types of the application. Allowing less revokes the tokens that are no longer allowed.',
    description: 'Whether the application may act for users, for itself, or both',
    option: {
      help: 'Whether it acts for users, for itself or both; tokens beyond a narrower type are revoked; default: both',
    },
  }),
}
