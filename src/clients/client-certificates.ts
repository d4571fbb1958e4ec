import {
  type Certificate,
  CertificateError,
  type CertificateNameType,
  certificatesInPem,
  hashOfName,
  parseCertificate,
  parseCertificateName,
} from '../shared/certificates.ts'
import { invalidInput } from '../shared/errors.ts'
import type { AuthMethod } from './authentication-attributes.ts'
import { keysIn, MAX_KEY_SET_LENGTH } from './client-keys.ts'

/** A certificate of a client, or the name that its certificates have: what it authenticates by in TLS (RFC 8705, section 2). */
export interface ClientCertificate {
  /** The SHA-256 of the certificate, or that of the name. */
  readonly hash: Buffer
  /** Its subject, or the name, for people. */
  readonly subject: string
  /** When the certificate expires; null: a name does not. */
  readonly expiresAt: Date | null
}

/** The names of certificates (RFC 8705, section 2.1.2); a client with `tls_client_auth` has one. */
export const CERTIFICATE_NAME_FIELDS = {
  tlsClientAuthSubjectDn: 'subject_dn',
  tlsClientAuthSanDns: 'san_dns',
  tlsClientAuthSanUri: 'san_uri',
  tlsClientAuthSanIp: 'san_ip',
  tlsClientAuthSanEmail: 'san_email',
} as const satisfies Readonly<Record<string, CertificateNameType>>

export type CertificateNameField = keyof typeof CERTIFICATE_NAME_FIELDS

const NAME_FIELDS = Object.keys(CERTIFICATE_NAME_FIELDS) as CertificateNameField[]

/** The certificates or the name that a request registers. */
export interface CertificateInput extends Partial<Record<CertificateNameField, string | undefined>> {
  /** Certificates in PEM, for `self_signed_tls_client_auth`. */
  readonly certificates?: string | undefined
  /** A JWK set (RFC 7517) whose keys have a certificate (`x5c`), for `self_signed_tls_client_auth`. */
  readonly jwks?: string | undefined
}

/** Of one registration. */
const MAX_CERTIFICATES = 10

/** A shorter RSA key can be broken. */
const MIN_RSA_BITS = 2048

/** Characters of a subject that pages show. */
const MAX_SUBJECT_LENGTH = 500

type Field = 'certificates' | 'jwks' | CertificateNameField

/** @throws KeywrightError `invalid_input` at the field */
function readAt<T>(field: Field, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CertificateError) throw invalidInput(error.message, field)
    throw error
  }
}

function checkCertificate({ x509, validUntil }: Certificate, field: Field, now: number): void {
  if (validUntil <= now) throw invalidInput('a certificate has expired', field)
  const { modulusLength = MIN_RSA_BITS } = x509.publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_RSA_BITS) throw invalidInput(`an RSA key must have at least ${MIN_RSA_BITS} bits`, field)
}

function toClientCertificates(certificates: readonly Certificate[], field: Field, now: number): ClientCertificate[] {
  if (certificates.length > MAX_CERTIFICATES) throw invalidInput(`at most ${MAX_CERTIFICATES} certificates`, field)
  for (const certificate of certificates) checkCertificate(certificate, field, now)
  const hashes = new Set(certificates.map(({ thumbprint }) => thumbprint.toString('hex')))
  if (hashes.size < certificates.length) throw invalidInput('a certificate is given twice', field)
  return certificates.map(({ thumbprint, subject, validUntil }) => ({
    hash: thumbprint,
    subject: subject.slice(0, MAX_SUBJECT_LENGTH),
    expiresAt: new Date(validUntil),
  }))
}

/** The first certificate of each key, which is that of the key itself (RFC 7517, section 4.7). */
const certificatesOfKeys = (jwks: string): Certificate[] =>
  keysIn(jwks).map(({ x5c }) => {
    const own = Array.isArray(x5c) ? x5c[0] : undefined
    if (typeof own !== 'string') throw new CertificateError('a key of the set has no certificate (x5c)')
    return parseCertificate(Buffer.from(own, 'base64'))
  })

function selfSigned({ certificates: pem, jwks }: CertificateInput, now: number): ClientCertificate[] {
  if (pem !== undefined && jwks !== undefined) throw invalidInput('give certificates or jwks, not both', 'certificates')
  if (jwks !== undefined)
    return toClientCertificates(
      readAt('jwks', () => certificatesOfKeys(jwks)),
      'jwks',
      now,
    )
  if (!pem) throw invalidInput('this authentication method needs a certificate in PEM', 'certificates')
  if (pem.length > MAX_KEY_SET_LENGTH)
    throw invalidInput(`certificates have at most ${MAX_KEY_SET_LENGTH} characters`, 'certificates')
  return toClientCertificates(
    readAt('certificates', () => certificatesInPem(pem)),
    'certificates',
    now,
  )
}

/** @param field the name's, for errors @throws KeywrightError `invalid_input` */
export function parseNamedCertificate(field: CertificateNameField, text: string): ClientCertificate {
  const name = readAt(field, () => parseCertificateName(CERTIFICATE_NAME_FIELDS[field], text.trim()))
  return { hash: hashOfName(name), subject: text.trim(), expiresAt: null }
}

function named(input: CertificateInput): ClientCertificate[] {
  const [field, ...others] = NAME_FIELDS.filter((one) => input[one] !== undefined)
  if (!field) throw invalidInput('this authentication method needs one name of the certificates', NAME_FIELDS[0])
  if (others.length > 0) throw invalidInput('give one name of the certificates, not several', others[0])
  if (input.jwks !== undefined) throw invalidInput('a client with tls_client_auth has no keys', 'jwks')
  return [parseNamedCertificate(field, input[field]!)]
}

/**
 * Reads what a client that authenticates in TLS is registered with; undefined for another client.
 * @param now milliseconds since 1970
 * @throws KeywrightError `invalid_input`
 */
export function parseClientCertificates(
  authMethod: AuthMethod,
  input: CertificateInput,
  now = Date.now(),
): ClientCertificate[] | undefined {
  const isSelfSigned = authMethod === 'self_signed_tls_client_auth'
  if (input.certificates !== undefined && !isSelfSigned)
    throw invalidInput('only a client with self_signed_tls_client_auth has certificates', 'certificates')
  const nameField = NAME_FIELDS.find((one) => input[one] !== undefined)
  if (nameField && authMethod !== 'tls_client_auth')
    throw invalidInput('only a client with tls_client_auth has a name of its certificates', nameField)
  if (isSelfSigned) return selfSigned(input, now)
  return authMethod === 'tls_client_auth' ? named(input) : undefined
}
