/**
 * The grant types of the token endpoint, one row each. Rules of registrations, the console, the management API, the command
 * line and the engine derive from these rows. The handler of a grant type is in `oidc/grant-handlers.ts`.
 */

/** Whom a client acts for with a grant type: a user, or itself. */
export type GrantSubject = 'user' | 'client'

export interface GrantType {
  /** The value of `grant_type` (RFC 6749, section 4). */
  readonly value: string
  /** The name on the command line, where the value is a URN. */
  readonly shortName?: string
  /** The section of the standard, which errors name. */
  readonly reference: string
  readonly label: string
  /** What the grant type does, for an admin who selects it. */
  readonly hint: string
  /** Whom the client acts for; null: the grant type only derives tokens from others. */
  readonly actsFor: GrantSubject | null
  /** Only confidential clients may use the grant type. */
  readonly requiresClientSecret: boolean
  readonly requiresRedirectUri: boolean
  /** The `response_type` of its authorization request; null: it has none. */
  readonly responseType: 'code' | null
  /** Parameters of its token request, besides `scope`, `resource` and client authentication. */
  readonly parameters: readonly string[]
}

export const AUTHORIZATION_CODE_GRANT = 'authorization_code'
export const REFRESH_TOKEN_GRANT = 'refresh_token'
export const CLIENT_CREDENTIALS_GRANT = 'client_credentials'
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** In the order in which forms and help list them. */
export const GRANT_TYPES = [
  {
    value: AUTHORIZATION_CODE_GRANT,
    reference: 'RFC 6749, section 4.1',
    label: 'Authorization code',
    hint: 'Users sign in with their browser, and the application acts for them.',
    actsFor: 'user',
    requiresClientSecret: false,
    requiresRedirectUri: true,
    responseType: 'code',
    parameters: ['code', 'redirect_uri', 'code_verifier'],
  },
  {
    value: REFRESH_TOKEN_GRANT,
    reference: 'RFC 6749, section 6',
    label: 'Refresh token',
    hint: 'The application gets new access tokens without asking users to sign in again.',
    actsFor: null,
    requiresClientSecret: false,
    requiresRedirectUri: false,
    responseType: null,
    parameters: ['refresh_token'],
  },
  {
    value: CLIENT_CREDENTIALS_GRANT,
    reference: 'RFC 6749, section 4.4',
    label: 'Client credentials',
    hint: 'The application gets tokens for itself, without a user.',
    actsFor: 'client',
    requiresClientSecret: true,
    requiresRedirectUri: false,
    responseType: null,
    parameters: [],
  },
  {
    value: DEVICE_CODE_GRANT,
    shortName: 'device_code',
    reference: 'RFC 8628, section 3.4',
    label: 'Device code',
    hint: 'For devices without a keyboard. Users enter a short code on another device.',
    actsFor: 'user',
    requiresClientSecret: false,
    requiresRedirectUri: false,
    responseType: null,
    parameters: ['device_code'],
  },
  {
    value: TOKEN_EXCHANGE_GRANT,
    shortName: 'token_exchange',
    reference: 'RFC 8693',
    label: 'Token exchange',
    hint: 'The application exchanges the token of a user for a narrower one, as its exchange settings allow.',
    actsFor: null,
    requiresClientSecret: true,
    requiresRedirectUri: false,
    responseType: null,
    parameters: [
      ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type'],
      ...['requested_subject', 'requested_account'],
    ],
  },
  {
    value: JWT_BEARER_GRANT,
    shortName: 'jwt_bearer',
    reference: 'RFC 7523, section 2.1',
    label: 'JWT assertion',
    hint: 'The application presents a JWT of an issuer that it may use, and gets an access token for it.',
    actsFor: null,
    requiresClientSecret: true,
    requiresRedirectUri: false,
    responseType: null,
    parameters: ['assertion'],
  },
] as const satisfies readonly GrantType[]

export type GrantTypeValue = (typeof GRANT_TYPES)[number]['value']

const ROWS: readonly GrantType[] = GRANT_TYPES

/** The values of `grant_type`. */
export const GRANTS: readonly string[] = ROWS.map(({ value }) => value)

export const findGrantType = (grant: string): GrantType | undefined => ROWS.find(({ value }) => value === grant)

/** The rows of these grant types. */
export const grantTypesOf = (grants: readonly string[]): readonly GrantType[] =>
  ROWS.filter(({ value }) => grants.includes(value))

/** Whether a client with these grant types obtains tokens for a user, or for itself. */
export const actsFor = (subject: GrantSubject, grants: readonly string[]): boolean =>
  grantTypesOf(grants).some((grant) => grant.actsFor === subject)

/** The values of `response_type` in authorization requests of a client with these grant types. */
export const responseTypesOf = (grants: readonly string[]): 'code'[] =>
  grantTypesOf(grants).flatMap(({ responseType }) => responseType ?? [])
