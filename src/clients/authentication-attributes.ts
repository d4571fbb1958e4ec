import { attribute, choice, nullable, uri } from '../shared/attributes.ts'
import { jwksUriError } from './redirect-uris.ts'

export const AUTH_METHODS = [
  'client_secret',
  'private_key_jwt',
  'self_signed_tls_client_auth',
  'tls_client_auth',
  'workload_identity',
] as const

/** By what a confidential client authenticates. */
export type AuthMethod = (typeof AUTH_METHODS)[number]

/** By what the client authenticates by which an API introspects tokens. */
export type ApiAuthMethod = Extract<AuthMethod, 'client_secret' | 'private_key_jwt'>

/** The methods with their words for forms. */
export const AUTH_METHOD_CHOICES: readonly {
  readonly value: AuthMethod
  readonly label: string
  readonly hint: string
}[] = [
  {
    value: 'client_secret',
    label: 'Client secret',
    hint: 'The application sends the client secret, in the Authorization header or in the form.',
  },
  {
    value: 'private_key_jwt',
    label: 'Private key',
    hint: 'The application signs a JWT for each request (private_key_jwt). Keywright knows the public key only, and there is no secret to leak.',
  },
  {
    value: 'self_signed_tls_client_auth',
    label: 'Registered certificate',
    hint: 'The application presents a certificate in TLS that is registered here, often a self-signed one (self_signed_tls_client_auth).',
  },
  {
    value: 'tls_client_auth',
    label: 'CA-issued certificate',
    hint: 'The application presents a certificate in TLS with a registered name, from a certificate authority (CA) that the operator trusts (tls_client_auth).',
  },
  {
    value: 'workload_identity',
    label: 'Workload identity',
    hint: 'The application sends a token that its platform issues to it, such as GitHub Actions or Kubernetes. Keywright trusts the issuer under conditions, and there is no secret.',
  },
]

/** How a client authenticates (`token_endpoint_auth_method`, RFC 7591, section 2). */
export const AUTHENTICATION_ATTRIBUTES = {
  authMethod: attribute({
    type: choice<AuthMethod>(AUTH_METHOD_CHOICES),
    initial: 'client_secret',
    isFixed: true,
    section: 'signIn',
    label: 'Client authentication',
    hint: 'To change this later, select “Change method” on the page of the application.',
    description:
      'By what a confidential client authenticates: a client secret, assertions signed by its private key, a certificate in TLS, or the token of an issuer that it trusts. A rotation of its credentials can change it',
    option: {
      help: 'client_secret; private_key_jwt with --jwks or --jwks-uri; self_signed_tls_client_auth with --certificates or --jwks; tls_client_auth with one of --tls-client-auth-…; workload_identity with --trust-issuer and --trust-claim; default: client_secret',
    },
  }),
  /** The keys that are found there are rows of `client_secrets`. */
  jwksUri: attribute({
    type: nullable(uri, 'none'),
    initial: null,
    section: 'keys',
    label: 'URL of the public keys',
    hint: 'Instead of public keys: an https URL at which the application publishes them as a JWK set (jwks_uri). Keywright reads it regularly, and when an unknown key is used.',
    placeholder: 'https://app.example.com/jwks.json',
    description:
      'Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once',
    example: 'https://app.example.com/jwks.json',
    option: {
      help: 'https URL of the public keys, instead of --jwks; a change ends the present keys and all tokens at once (client rotate-secret can leave an overlap)',
      nullWord: 'off',
    },
    validate: jwksUriError,
  }),
}

type AuthenticatingClient = { readonly isPublic: boolean; readonly authMethod: AuthMethod }

/** Whether a client authenticates by a certificate in TLS (RFC 8705, section 2). */
export const usesCertificates = ({ isPublic, authMethod }: AuthenticatingClient): boolean =>
  !isPublic && (authMethod === 'tls_client_auth' || authMethod === 'self_signed_tls_client_auth')

/** Whether a client authenticates by tokens of an issuer that it trusts. */
export const usesTrusts = ({ isPublic, authMethod }: AuthenticatingClient): boolean =>
  !isPublic && authMethod === 'workload_identity'

/** Whether a client authenticates by a secret that Keywright generates. */
export const hasClientSecret = ({ isPublic, authMethod }: AuthenticatingClient): boolean =>
  !isPublic && authMethod === 'client_secret'
