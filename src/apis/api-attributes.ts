import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../shared/algorithms.ts'
import { attribute, boolean, choice, claims, duration, uriUpTo, words } from '../shared/attributes.ts'
import { claimsError } from '../shared/declared-claims.ts'
import { accessTokenTtlError, MAX_ACCESS_TOKEN_TTL } from '../shared/lifetimes.ts'
import { maxSecretLifetimeAttribute } from '../shared/secret-lifetimes.ts'
import { identifierError, MAX_IDENTIFIER_LENGTH } from './resource-identifiers.ts'
import { apiScopesError } from './scopes.ts'

export type TokenPolicy = 'none' | 'single'

/** Which key pairs may call an API: the default one of each admin, named ones too, or named ones with an environment. */
export type KeyPairPolicy = 'one' | 'named' | 'environments'

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
  networksClaim: attribute({
    type: boolean,
    initial: false,
    section: 'tokens',
    label: 'Allowed networks in tokens',
    hint: 'Access tokens of clients with allowed networks have the claim allowed_networks, which the API can enforce.',
    description: 'Whether access tokens of clients with allowed networks have the claim allowed_networks',
    option: { help: 'Put the allowed networks of a client into its access tokens; default: off' },
  }),
  dpopRequired: attribute({
    type: boolean,
    initial: false,
    section: 'tokens',
    label: 'DPoP required',
    hint: 'Each token request for this API needs a DPoP proof, and only the owner of its key can use the token. The resource servers must check it.',
    description:
      'Whether each token request for it needs a DPoP proof (RFC 9449), so that no token for it is issued without a key; tokens that were issued before stay unbound',
    option: {
      flag: 'dpop',
      jsonName: 'dpop',
      onOffWords: ['required', 'optional'],
      help: 'required: issue only tokens for it that are bound to a key, by DPoP (RFC 9449); default: optional',
    },
  }),
  claims: attribute({
    type: claims,
    initial: [],
    operatorOnly: true,
    section: 'tokens',
    label: 'Claims from metadata',
    hint: 'One per line, such as plan=account.plan: the name of the claim, and account, client or user with the name of a member of its metadata. Everyone who has a token can read its claims.',
    description:
      'Claims of its access tokens with values from the metadata of the account, client or user; at most 10, and values of at most 256 bytes of JSON',
    example: [{ name: 'plan', from: 'account', key: 'plan' }],
    option: {
      help: "Claims of its access tokens from metadata, space-separated, such as 'plan=account.plan tier=user.tier'; '' removes them",
    },
    validate: claimsError,
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
  keyPairs: attribute({
    type: choice<KeyPairPolicy>([
      { value: 'one', label: 'One for each admin', hint: 'New keys replace the earlier keys of the admin.' },
      {
        value: 'named',
        label: 'Several with names',
        hint: 'An admin can add named key pairs, for example one for each service. New keys replace the keys with the same name.',
      },
      {
        value: 'environments',
        label: 'Several with names, live or test',
        hint: 'Named key pairs are for the live or the test environment. Their client IDs, client secrets and access tokens show which.',
      },
    ]),
    initial: 'one',
    section: 'api',
    label: 'Key pairs',
    description:
      'Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test',
    option: { help: 'Key pairs that may call it: one for each admin, or also named ones, live or test; default: one' },
  }),
  maxSecretLifetime: maxSecretLifetimeAttribute({
    section: 'api',
    secrets: 'client secrets of applications and key pairs that may call it',
  }),
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
