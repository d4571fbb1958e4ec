import { execFileSync } from 'node:child_process'
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const openssl = (...args: string[]) => void execFileSync('openssl', args, { stdio: 'pipe' })

/** A certificate authority, and a certificate for the name localhost, in files of that directory. */
export function createCertificates(home: string, name: string): { ca: string; cert: string; key: string } {
  const path = (file: string) => join(home, `${name}-${file}`)
  const [ca, caKey, cert, key, request, names] = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key', 'tls.csr', 'names'].map(
    path,
  )
  const make = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...make, '-keyout', caKey!, '-out', ca!, '-subj', `/CN=${name} authority`, '-days', '2')
  openssl('req', ...make, '-keyout', key!, '-out', request!, '-subj', '/CN=localhost')
  writeFileSync(names!, 'subjectAltName=DNS:localhost')
  const signing = ['-CA', ca!, '-CAkey', caKey!, '-CAcreateserial', '-days', '2', '-extfile', names!]
  openssl('x509', '-req', '-in', request!, '-out', cert!, ...signing)
  const { uid, gid } = statSync(home)
  for (const file of [cert!, key!]) chownSync(file, uid, gid)
  return { ca: ca!, cert: cert!, key: key! }
}
