import { type ApiAuthMethod, AUTH_METHOD_CHOICES } from '../../../clients/authentication-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { radioField } from '../kit/choice-fields.ts'
import type { Field } from '../kit/form-fields.ts'
import { jwksField, jwksUriField, onlyWith } from '../kit/public-key-fields.ts'

const CHOICES = AUTH_METHOD_CHOICES.filter(({ value }) => value === 'client_secret' || value === 'private_key_jwt')

const HINTS = {
  client_secret: 'The API sends the client secret in the Authorization header.',
  private_key_jwt:
    'The API signs a JWT for each request (private_key_jwt). Keywright knows the public key only, and there is no secret to leak.',
} as const

/** A page of the earlier version does not send it during an upgrade. */
function methodField(t: ConsoleTranslate): Field<ApiAuthMethod> {
  const field = radioField<ApiAuthMethod>({
    label: t('Authentication of the API'),
    required: true,
    choices: CHOICES.map(({ value, label }) => ({
      value: value as ApiAuthMethod,
      label: t.declared(label),
      hint: t(HINTS[value as ApiAuthMethod]),
    })),
  })
  return { ...field, read: (name, sent) => (sent.form.has(name) ? field.read(name, sent) : { value: 'client_secret' }) }
}

/** The fields for what an API authenticates by when it introspects tokens. */
export const apiCredentialFields = (t: ConsoleTranslate) => ({
  authMethod: methodField(t),
  ...onlyWith('private_key_jwt', { jwks: jwksField(t), jwksUri: jwksUriField(t) }),
})

export const NO_API_KEYS = { authMethod: 'client_secret', jwks: '', jwksUri: '' } as const

interface Values {
  readonly authMethod?: ApiAuthMethod
  readonly jwks?: string
  readonly jwksUri?: string
}

/** The public keys that the form gives, or their URL. Input for another method, which the page no longer shows, does not count. */
export const apiKeysIn = ({ authMethod, jwks, jwksUri }: Values) =>
  authMethod === 'private_key_jwt' ? { jwks: jwks || undefined, jwksUri: jwksUri || undefined } : {}
