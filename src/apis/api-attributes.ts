import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../shared/algorithms.ts'
import { attribute, boolean, choice, duration, uriUpTo, words } from '../shared/attributes.ts'
import { accessTokenTtlError, MAX_ACCESS_TOKEN_TTL } from '../shared/lifetimes.ts'
import { identifierError, MAX_IDENTIFIER_LENGTH } from './resource-identifiers.ts'
import { apiScopesError } from './scopes.ts'

export type TokenPolicy = 'none' | 'single'

const ALG_HINTS: Readonly<Record<SigningAlg, string>> = {
  ES256: 'recommended, small signatures, wide library support',
  EdDSA: 'Ed25519, small signatures, newer libraries',
  RS256: 'RSA, large signatures, supported by every library',
  PS256: 'RSA-PSS, required by some regulations',
}

const TOKEN_TYPE_HINTS: Readonly<Record<TokenType, string>> = {
  'at+jwt': 'the standard for access tokens (RFC 9068)',
  JWT: 'for libraries that reject at+jwt, such as Spring Security and Dovecot',
}

/** How access tokens for an API are issued. The cached registration of each client that may call the API contains these values. */
export const API_TOKEN_ATTRIBUTES = {
  tokenTtl: attribute({
    type: duration(MAX_ACCESS_TOKEN_TTL, 'hours'),
    initial: 3600,
    section: 'tokens',
    label: 'Access token lifetime',
    hint: 'From 1 minute to 30 days. An application can override it.',
    description: 'The lifetime of its access tokens in seconds; an application can override it',
    example: 3600,
    option: { help: 'Access token lifetime, 60 to 2592000; default: 3600' },
    validate: accessTokenTtlError,
  }),
  policy: attribute({
    type: choice<TokenPolicy>([
      { value: 'none', label: 'Keep earlier tokens', hint: 'Each token is valid until it expires.' },
      {
        value: 'single',
        label: 'Revoke the earlier token',
        hint: 'One active token for each client and user. A new token revokes the earlier one.',
      },
    ]),
    initial: 'none',
    section: 'tokens',
    label: 'Token policy',
    description: 'single: a new token revokes the earlier one of the same client and subject',
    option: { help: 'single: a new token revokes the earlier one of the same client and subject; default: none' },
  }),
  signingAlg: attribute({
    type: choice<SigningAlg>(
      SIGNING_ALGS.map((value) => ({ value, label: value, hint: ALG_HINTS[value] })),
      'select',
    ),
    initial: 'ES256',
    section: 'tokens',
    label: 'Signing algorithm',
    hint: 'The resource servers of this API must support it.',
    description: 'The algorithm that signs its access tokens; its resource servers must support it',
    option: { flag: 'alg', jsonName: 'alg', help: 'Algorithm that signs its tokens; default: ES256' },
  }),
  /** The `typ` of its access tokens. */
  tokenType: attribute({
    type: choice<TokenType>(
      TOKEN_TYPES.map((value) => ({ value, label: value, hint: TOKEN_TYPE_HINTS[value] })),
      'select',
    ),
    initial: 'at+jwt',
    section: 'tokens',
    label: 'Token type',
    hint: 'The typ header of access tokens. Applies to new tokens.',
    description: 'The typ of its access tokens: JWT for resource servers that reject at+jwt (RFC 9068)',
    option: {
      help: 'typ header of its access tokens; JWT for resource servers that reject at+jwt (RFC 9068); default: at+jwt',
    },
  }),
}

/**
 * The attributes of an API (resource server), each declared once. Its column, the fields of the management API, the form and the
 * detail page, the CLI option, and *old → new* in the activity log derive from it. To add one: a migration with its column, its
 * declaration here, and the code that acts on it.
 */
export const API_ATTRIBUTES = {
  /** The audience of its access tokens. */
  identifier: attribute({
    type: uriUpTo(MAX_IDENTIFIER_LENGTH),
    isFixed: true,
    section: 'api',
    label: 'Identifier (audience)',
    hint: 'A URI that identifies the API: the aud claim of its tokens. It cannot be changed later.',
    placeholder: 'https://api.example.com',
    description: 'An absolute URI without a fragment: the audience of its access tokens',
    example: 'https://api.example.com',
    option: { help: 'Audience of its tokens: an absolute URI, such as its address' },
    validate: identifierError,
  }),
  scopes: attribute({
    type: words,
    section: 'scopes',
    label: 'Scopes',
    hint: 'Permissions that a token can have. The title and description are shown on the allow/deny screen.',
    description: 'Its scopes; not openid, profile, email or offline_access',
    example: ['invoices:read'],
    option: { help: 'All its scopes, space-separated; not openid, profile, email or offline_access' },
    validate: apiScopesError,
  }),
  ...API_TOKEN_ATTRIBUTES,
  isDefault: attribute({
    type: boolean,
    initial: false,
    section: 'api',
    label: 'Default API',
    hint: 'Used when a token request names no API. Replaces the current default API.',
    description: 'Whether it is the API of token requests that name none',
    option: {
      flag: 'default',
      jsonName: 'default',
      isSwitch: true,
      help: 'Make it the default API, for clients that name none, in place of the current one',
    },
  }),
}

/** What operators may change of the built-in API. */
export const BUILT_IN_API_ATTRIBUTES = { tokenTtl: API_TOKEN_ATTRIBUTES.tokenTtl }
