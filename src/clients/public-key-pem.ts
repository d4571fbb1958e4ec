import { createPublicKey, X509Certificate } from 'node:crypto'
import { invalidInput } from '../shared/errors.ts'

const BEGIN = '-----BEGIN '
const DASHES = '-----'

const invalid = (message: string) => invalidInput(message, 'jwks')

/** A block of a PEM text (RFC 7468) with its lines of dashes. */
interface PemBlock {
  readonly label: string
  readonly text: string
}

/** The blocks of a text, which may have other lines between them, as `openssl` writes. @throws KeywrightError `invalid_input` */
function blocksIn(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (let from = text.indexOf(BEGIN); from !== -1; ) {
    const label = text.slice(from + BEGIN.length, text.indexOf(DASHES, from + BEGIN.length))
    const end = `${DASHES}END ${label}${DASHES}`
    const until = text.indexOf(end, from)
    if (until === -1) throw invalid('a PEM block has no end')
    blocks.push({ label, text: text.slice(from, until + end.length) })
    from = text.indexOf(BEGIN, until)
  }
  return blocks
}

/** The public key of a block as JWK. Its type is checked with those of JWK sets. @throws KeywrightError `invalid_input` */
function keyIn({ label, text }: PemBlock): Readonly<Record<string, unknown>> {
  if (label.includes('PRIVATE KEY')) throw invalid('the text has a private key: send public keys only')
  try {
    // By the label: Node would also take the public part of a private key.
    if (label === 'CERTIFICATE') return { ...new X509Certificate(text).publicKey.export({ format: 'jwk' }) }
    if (label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY')
      return { ...createPublicKey(text).export({ format: 'jwk' }) }
  } catch {
    throw invalid(`the PEM block ${label} cannot be read, or its key has an unsupported type`)
  }
  throw invalid('a PEM block is neither a public key (PUBLIC KEY) nor a certificate (CERTIFICATE)')
}

export const isPem = (text: string): boolean => text.includes(BEGIN)

/**
 * The public keys in PEM blocks: SPKI (`PUBLIC KEY`), PKCS #1 (`RSA PUBLIC KEY`) and X.509 certificates, whose dates and chains are not checked.
 * @throws KeywrightError `invalid_input`, also for a private key
 */
export const keysInPem = (text: string): Readonly<Record<string, unknown>>[] => blocksIn(text).map(keyIn)
