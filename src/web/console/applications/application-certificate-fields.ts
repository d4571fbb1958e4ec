import {
  CERTIFICATE_NAME_FIELDS,
  type CertificateInput,
  type CertificateNameField,
} from '../../../clients/client-certificates.ts'
import { MAX_KEY_SET_LENGTH } from '../../../clients/client-keys.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { MAX_NAME_LENGTH } from '../../../shared/distinguished-names.ts'
import type { FieldError } from '../../../shared/errors.ts'
import { selectField } from '../kit/choice-fields.ts'
import { areaField, textField } from '../kit/text-fields.ts'

/** The certificates of a client with `self_signed_tls_client_auth`. */
export const certificatesField = (t: ConsoleTranslate, required = false) =>
  areaField({
    label: t('Certificates'),
    hint: t('For client authentication by a registered certificate: certificates in PEM. Never enter a private key.'),
    placeholder: '-----BEGIN CERTIFICATE-----',
    maxLength: MAX_KEY_SET_LENGTH,
    mono: true,
    rows: 8,
    required,
  })

/** The name of the certificates of a client with `tls_client_auth`. */
export const certificateNameFields = (t: ConsoleTranslate, required = false) => ({
  certificateNameField: selectField<CertificateNameField>({
    label: t('Type of name'),
    choices: [
      { value: 'tlsClientAuthSubjectDn', label: t('Subject DN') },
      { value: 'tlsClientAuthSanDns', label: t('DNS name') },
      { value: 'tlsClientAuthSanUri', label: 'URI' },
      { value: 'tlsClientAuthSanIp', label: t('IP address') },
      { value: 'tlsClientAuthSanEmail', label: t('Email address') },
    ],
  }),
  certificateName: textField({
    label: t('Name in the certificate'),
    hint: t(
      'For client authentication by a CA-issued certificate: its subject, such as CN=client,O=Example,C=DE, or its subject alternative name of the selected type.',
    ),
    maxLength: MAX_NAME_LENGTH,
    mono: true,
    required,
  }),
})

/** What the fields of a form hold before anybody typed. */
export const NO_CERTIFICATES = {
  certificates: '',
  certificateNameField: 'tlsClientAuthSubjectDn',
  certificateName: '',
} as const

interface Values {
  readonly certificates?: string
  readonly certificateNameField?: CertificateNameField
  readonly certificateName?: string
}

/** The certificates or the name that a form gives. */
export const certificatesIn = ({
  certificates,
  certificateNameField,
  certificateName,
}: Values): Pick<CertificateInput, 'certificates' | CertificateNameField> => ({
  certificates: certificates || undefined,
  ...(certificateName && certificateNameField && { [certificateNameField]: certificateName }),
})

/** Errors of a name, at the field that has the name. */
export const atNameField = (fieldErrors: readonly FieldError[]): FieldError[] =>
  fieldErrors.map((one) =>
    Object.hasOwn(CERTIFICATE_NAME_FIELDS, one.field) ? { ...one, field: 'certificateName' } : one,
  )
