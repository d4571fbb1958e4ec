/** Certificates of clients and of authorities, for mutual TLS. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly der: Buffer
}

export interface CertificateOptions {
  readonly subject?: string
  /** Of openssl, such as `subjectAltName=DNS:client.example.com`. */
  readonly extensions?: readonly string[]
  /** 0: it has expired. */
  readonly days?: number
  /** Absent: it is self-signed. */
  readonly issuer?: TestCertificate
  readonly digest?: 'sha256' | 'sha1'
}

export function createCertificate(options: CertificateOptions = {}): TestCertificate {
  const { subject = '/CN=client', extensions = [], days = 2, issuer, digest = 'sha256' } = options
  const home = mkdtempSync(join(tmpdir(), 'keywright-certificate-'))
  const path = (name: string) => join(home, name)
  const openssl = (...parts: string[]) => void execFileSync('openssl', parts, { stdio: 'pipe' })
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('key')]
    openssl('req', '-new', ...curve, '-subj', subject, '-multivalue-rdn', '-utf8', '-out', path('request'))
    writeFileSync(path('ca.crt'), issuer?.cert ?? '')
    writeFileSync(path('ca.key'), issuer?.key ?? '')
    writeFileSync(path('extensions'), extensions.join('\n'))
    const signer = issuer ? ['-CA', path('ca.crt'), '-CAkey', path('ca.key')] : ['-signkey', path('key')]
    const contents = ['-days', String(days), '-extfile', path('extensions'), `-${digest}`]
    const serial = ['-set_serial', `0x${randomBytes(8).toString('hex')}`]
    openssl('x509', '-req', '-in', path('request'), ...signer, ...serial, ...contents, '-out', path('crt'))
    const [cert, key] = [readFileSync(path('crt'), 'utf8'), readFileSync(path('key'), 'utf8')]
    return { cert, key, der: derOf(cert) }
  } finally {
    rmSync(home, { recursive: true })
  }
}

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')

export const createAuthority = (subject = '/CN=authority'): TestCertificate =>
  createCertificate({
    subject,
    extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'],
  })

/** A certificate in a header as nginx sends it (`$ssl_client_escaped_cert`). */
export const asNginx = ({ cert }: TestCertificate): string => encodeURIComponent(cert)
