import type { AuthMethod } from '../../../clients/authentication-attributes.ts'
import { trustIn } from '../../../clients/trust-presets.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { CredentialInput } from '../../../management/credential-input.ts'
import { jwksField, onlyWith } from '../kit/public-key-fields.ts'
import {
  certificateNameFields,
  certificatesField,
  certificatesIn,
  NO_CERTIFICATES,
} from './application-certificate-fields.ts'
import { NO_TRUST, TRUST_FIELD_NAMES, trustFields, trustFieldsIn } from './application-trust-fields.ts'

// The fields for what an application authenticates by, in a form that asks for the method too.

/** What an application without a client secret authenticates by, of every method; the URL of its keys is a setting. */
export const credentialFields = (t: ConsoleTranslate) => ({
  ...onlyWith('private_key_jwt', { jwks: jwksField(t) }),
  ...onlyWith('self_signed_tls_client_auth', { certificates: certificatesField(t) }),
  ...onlyWith('tls_client_auth', certificateNameFields(t)),
  ...onlyWith('workload_identity', trustFields(t)),
})

/** In the order of the form. */
export const CREDENTIAL_FIELD_NAMES = [
  'jwks',
  'jwksUri',
  'certificates',
  'certificateNameField',
  'certificateName',
  ...TRUST_FIELD_NAMES,
] as const

/** What the fields hold before anybody typed. */
export const NO_CREDENTIALS = { jwks: '', ...NO_CERTIFICATES, ...NO_TRUST } as const

type Values = Parameters<typeof certificatesIn>[0] &
  Parameters<typeof trustFieldsIn>[0] & {
    readonly authMethod?: AuthMethod | undefined
    readonly jwks?: string
    readonly jwksUri?: string | null
  }

interface GivenByForm extends CredentialInput {
  readonly jwksUri?: string | undefined
}

/** What the form gives for the chosen method. Input for another method, which the page no longer shows, does not count. @throws KeywrightError `invalid_input` */
export function credentialsIn(values: Values): GivenByForm {
  const { authMethod, jwks, jwksUri } = values
  if (authMethod === 'private_key_jwt') return { jwks: jwks || undefined, jwksUri: jwksUri || undefined }
  if (authMethod === 'workload_identity') return { trust: trustIn(trustFieldsIn(values)) }
  const { certificates, ...name } = certificatesIn(values)
  if (authMethod === 'self_signed_tls_client_auth') return { certificates }
  return authMethod === 'tls_client_auth' ? name : {}
}
