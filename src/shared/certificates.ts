import { createHash, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { childrenOf, type DerElement, elementsIn, oidOf } from './der.ts'
import {
  canonicalName,
  type DistinguishedName,
  DistinguishedNameError,
  distinguishedNameIn,
  formatDistinguishedName,
  parseDistinguishedName,
} from './distinguished-names.ts'

/** The names by which a client with `tls_client_auth` is registered (RFC 8705, section 2.1.2), without their prefix. */
export const CERTIFICATE_NAME_TYPES = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const
export type CertificateNameType = (typeof CERTIFICATE_NAME_TYPES)[number]

/** A name of a certificate, in a form in which equal names are equal texts. */
export interface CertificateName {
  readonly type: CertificateNameType
  readonly value: string
}

/** What is wrong with a certificate or a name. The message begins small, without a stop. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** A certificate (RFC 5280) that is parsed, and not verified. */
export interface Certificate {
  readonly x509: X509Certificate
  /** SHA-256 of its DER (RFC 8705, section 3.1: `x5t#S256`). */
  readonly thumbprint: Buffer
  /** RFC 4514. */
  readonly subject: string
  readonly names: readonly CertificateName[]
  /** A critical extension that nothing here understands (RFC 5280, section 4.2), or a broken signature algorithm. */
  readonly flaw: string | undefined
  /** Milliseconds since 1970. */
  readonly validFrom: number
  readonly validUntil: number
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

/** Key usage, alternative names, basic constraints, policies, extended key usage. */
const UNDERSTOOD = new Set(['2.5.29.15', SUBJECT_ALTERNATIVE_NAME, '2.5.29.19', '2.5.29.32', '2.5.29.37'])

/** MD5 and SHA-1 with RSA, SHA-1 with ECDSA and DSA. */
const BROKEN = new Set(['1.2.840.113549.1.1.4', '1.2.840.113549.1.1.5', '1.2.840.10045.4.1', '1.2.840.10040.4.3'])

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'
const ANY_USAGE = '2.5.29.37.0'

const hexOf = (address: string): string => Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')

/** The types of a GeneralName (RFC 5280, section 4.2.1.6) by their tag; others are no names of clients. */
const GENERAL_NAMES: Readonly<Record<number, (content: Buffer) => CertificateName>> = {
  129: (content) => ({ type: 'san_email', value: content.toString('latin1') }),
  130: (content) => ({ type: 'san_dns', value: content.toString('latin1').toLowerCase() }),
  134: (content) => ({ type: 'san_uri', value: content.toString('latin1') }),
  135: (content) => ({ type: 'san_ip', value: content.toString('hex') }),
}

interface Extension {
  readonly oid: string
  readonly isCritical: boolean
  readonly value: Buffer
}

function extensionIn(element: DerElement): Extension {
  const [oid, ...others] = childrenOf(element)
  const isCritical = others.some(({ tag, content }) => tag === 1 && content[0] !== 0)
  return { oid: oidOf(oid!), isCritical, value: others.at(-1)!.content }
}

/** The parts of a TBSCertificate (RFC 5280, section 4.1.2). */
function partsOf(bytes: Buffer) {
  const [toBeSigned] = childrenOf(elementsIn(bytes)[0]!)
  const fields = childrenOf(toBeSigned!)
  const unversioned = fields[0]!.tag === 0xa0 ? fields.slice(1) : fields
  const extensions = unversioned.find(({ tag }) => tag === 0xa3)
  return {
    algorithm: oidOf(childrenOf(unversioned[1]!)[0]!),
    subject: distinguishedNameIn(unversioned[4]!),
    extensions: extensions ? childrenOf(childrenOf(extensions)[0]!).map(extensionIn) : [],
  }
}

function alternativeNames(extensions: readonly Extension[]): CertificateName[] {
  const extension = extensions.find(({ oid }) => oid === SUBJECT_ALTERNATIVE_NAME)
  if (!extension) return []
  return childrenOf(elementsIn(extension.value)[0]!).flatMap(({ tag, content }) => GENERAL_NAMES[tag]?.(content) ?? [])
}

function flawOf({ algorithm, extensions }: ReturnType<typeof partsOf>): string | undefined {
  if (BROKEN.has(algorithm)) return 'the certificate is signed with MD5 or SHA-1'
  if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length) return 'an extension is given twice'
  const unknown = extensions.find(({ oid, isCritical }) => isCritical && !UNDERSTOOD.has(oid))
  return unknown && `the critical extension ${unknown.oid} is not supported`
}

const nameOf = (subject: DistinguishedName): CertificateName[] =>
  subject.length === 0 ? [] : [{ type: 'subject_dn', value: canonicalName(subject) }]

/** Parses a certificate. @param bytes DER @throws CertificateError */
export function parseCertificate(bytes: Buffer): Certificate {
  try {
    const x509 = new X509Certificate(bytes)
    const parts = partsOf(x509.raw)
    return {
      x509,
      thumbprint: createHash('sha256').update(x509.raw).digest(),
      subject: formatDistinguishedName(parts.subject),
      names: [...nameOf(parts.subject), ...alternativeNames(parts.extensions)],
      flaw: flawOf(parts),
      validFrom: Date.parse(x509.validFrom),
      validUntil: Date.parse(x509.validTo),
    }
  } catch (cause) {
    throw new CertificateError('what was given is no X.509 certificate', { cause })
  }
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g

/** The certificates of a PEM text (RFC 7468). @throws CertificateError */
export function certificatesInPem(text: string): Certificate[] {
  const blocks = [...text.matchAll(BLOCK)]
  if (blocks.length === 0) throw new CertificateError('the text has no certificate in PEM')
  if (blocks.some(([, label]) => label!.includes('PRIVATE KEY')))
    throw new CertificateError('the text has a private key: send certificates only')
  if (blocks.some(([, label]) => label !== 'CERTIFICATE'))
    throw new CertificateError('the text has something other than certificates')
  return blocks.map(([, , base64]) => parseCertificate(Buffer.from(base64!, 'base64')))
}

/** Certificates, with the authorities that signed them or did not. */
const signatures = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()

function isSignedBy(authority: Certificate, certificate: Certificate): boolean {
  const known = signatures.get(certificate) ?? new WeakMap<Certificate, boolean>()
  signatures.set(certificate, known)
  const { x509 } = certificate
  const isSigned = known.get(authority) ?? (x509.checkIssued(authority.x509) && x509.verify(authority.x509.publicKey))
  known.set(authority, isSigned)
  return isSigned
}

/**
 * Whether an authority issued a certificate for clients, and is valid itself. An authority is trusted as it is listed, so there is no path.
 * @param now milliseconds since 1970
 */
export const isIssuedBy = (authority: Certificate, certificate: Certificate, now: number): boolean =>
  certificate.flaw === undefined &&
  isValidAt(authority, now) &&
  (certificate.x509.keyUsage ?? [ANY_USAGE]).some((usage) => [CLIENT_AUTHENTICATION, ANY_USAGE].includes(usage)) &&
  isSignedBy(authority, certificate)

/** @param now milliseconds since 1970 */
export const isValidAt = ({ validFrom, validUntil }: Certificate, now: number): boolean =>
  validFrom <= now && now < validUntil

const PATTERNS: Readonly<Record<Exclude<CertificateNameType, 'subject_dn' | 'san_ip'>, [RegExp, string]>> = {
  san_dns: [/^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?$/i, 'must be a DNS name, such as client.example.com'],
  san_uri: [/^[a-z][a-z0-9+.-]{0,30}:[\x21-\x7e]{1,500}$/i, 'must be a URI, such as spiffe://example.com/client'],
  san_email: [/^[\x21-\x3f\x41-\x7e]{1,64}@[\x21-\x3f\x41-\x7e]{1,250}$/, 'must be an email address'],
}

/** The name that certificates of a client must have. @throws CertificateError */
export function parseCertificateName(type: CertificateNameType, text: string): CertificateName {
  if (type === 'subject_dn') return { type, value: canonicalName(subjectIn(text)) }
  if (type === 'san_ip') {
    if (isIP(text) === 0 || text.includes('%')) throw new CertificateError('must be an IP address')
    return { type, value: hexOf(text) }
  }
  const [pattern, error] = PATTERNS[type]
  if (!pattern.test(text)) throw new CertificateError(error)
  return { type, value: type === 'san_dns' ? text.toLowerCase() : text }
}

function subjectIn(text: string): DistinguishedName {
  try {
    return parseDistinguishedName(text)
  } catch (error) {
    if (error instanceof DistinguishedNameError) throw new CertificateError(error.message)
    throw error
  }
}

/** What is stored of a name, and compared. */
export const hashOfName = ({ type, value }: CertificateName): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([type, value]))
    .digest()
