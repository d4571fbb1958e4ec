import { readFileSync } from 'node:fs'
import type { ConnectionOptions, SecureVersion } from 'node:tls'
import type { DatabaseUrl, SslMode } from '../config/database-url.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

/** What one attempt to connect does about encryption; false: a connection without it. */
export type Encryption = ConnectionOptions | false

const PLAIN_FIRST = [false, true]
const TLS_FIRST = [true, false]

/** Whether TLS is used, attempt by attempt: libpq's table of `sslmode`. */
const ATTEMPTS: Record<SslMode, readonly boolean[]> = {
  disable: [false],
  allow: PLAIN_FIRST,
  prefer: TLS_FIRST,
  require: [true],
  'verify-ca': [true],
  'verify-full': [true],
}

function readFile(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DatabaseUnavailableError(`the file that ${parameter} names cannot be read (${code}): ${path}`)
  }
}

// libpq verifies under `require` too, as under `verify-ca`, once it has been given a certificate authority.
const verifies = ({ sslMode, sslRootCert }: DatabaseUrl): boolean =>
  sslMode.startsWith('verify') || (sslMode === 'require' && sslRootCert !== undefined)

const verifiesName = ({ sslMode, sslRootCert }: DatabaseUrl): boolean =>
  sslMode === 'verify-full' || sslRootCert === 'system'

function tlsOptions(url: DatabaseUrl): ConnectionOptions {
  const { sslRootCert: ca, sslCert: cert, sslKey: key, sslPassword: passphrase } = url
  return {
    rejectUnauthorized: verifies(url),
    ...(ca && ca !== 'system' && { ca: readFile('sslrootcert', ca) }),
    ...(cert && { cert: readFile('sslcert', cert) }),
    ...(key && { key: readFile('sslkey', key) }),
    ...(passphrase && { passphrase }),
    ...(url.sslMinVersion && { minVersion: url.sslMinVersion as SecureVersion }),
    ...(url.sslMaxVersion && { maxVersion: url.sslMaxVersion as SecureVersion }),
    ...(!verifiesName(url) && { checkServerIdentity: () => undefined }),
  }
}

/**
 * The attempts to connect to one host, in their order. The files are read each time, so that renewed certificates are
 * used without a restart. A Unix socket is never encrypted, as in libpq.
 * @throws DatabaseUnavailableError a file cannot be read
 */
export function encryptionAttempts(url: DatabaseUrl, host: string | undefined): Encryption[] {
  if (host?.startsWith('/')) return [false]
  return ATTEMPTS[url.sslMode].map((isEncrypted) => isEncrypted && tlsOptions(url))
}
