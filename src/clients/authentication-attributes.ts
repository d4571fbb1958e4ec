import { attribute, choice } from '../shared/attributes.ts'

/** By what a confidential client authenticates. */
export type AuthMethod = 'client_secret' | 'private_key_jwt'

/** How a client authenticates (`token_endpoint_auth_method`, RFC 7591, section 2). */
export const AUTHENTICATION_ATTRIBUTES = {
  authMethod: attribute({
    type: choice<AuthMethod>([
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
    ]),
    initial: 'client_secret',
    isFixed: true,
    section: 'signIn',
    label: 'Client authentication',
    hint: 'This cannot be changed later.',
    description:
      'By what a confidential client authenticates: a client secret, or assertions signed by its private key',
    option: { help: 'client_secret, or private_key_jwt with the public keys of --jwks; default: client_secret' },
  }),
}

/** Whether a client authenticates by a secret that Keywright generates. */
export const hasClientSecret = ({
  isPublic,
  authMethod,
}: {
  readonly isPublic: boolean
  readonly authMethod: AuthMethod
}): boolean => !isPublic && authMethod === 'client_secret'
