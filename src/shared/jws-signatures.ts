/** Signatures of JWSs (RFC 7518, section 3; RFC 8037, section 3.1) by `node:crypto`. */
import { constants, type KeyObject, sign as signData, verify as verifySignature } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningAlg } from './algorithms.ts'

const signInThreadPool = promisify(signData)

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } as const

/** The bytes of each half of an ES256 signature. */
const HALF = 32

const ZERO = Buffer.alloc(1)

/** A DER integer (sign byte, no leading zeros) as a half of fixed length. */
function fixedLength(integer: Buffer): Buffer {
  if (integer.length >= HALF) return integer.subarray(integer.length - HALF)
  return Buffer.concat([Buffer.alloc(HALF - integer.length), integer])
}

/**
 * RFC 7518, section 3.4, wants the two halves side by side; OpenSSL writes DER. Asking Node for that form doubles what a
 * signature costs (56 instead of 25 microseconds), so it is taken apart here: 30 len 02 len R 02 len S.
 */
function joinHalves(der: Buffer): Buffer {
  const endOfR = 4 + der[3]!
  return Buffer.concat([fixedLength(der.subarray(4, endOfR)), fixedLength(der.subarray(endOfR + 2))], 2 * HALF)
}

/** The reverse of `fixedLength`. */
function derInteger(half: Buffer): Buffer {
  let start = 0
  while (start < HALF - 1 && half[start] === 0) start++
  const integer = half.subarray(start)
  return integer[0]! < 0x80 ? integer : Buffer.concat([ZERO, integer])
}

/** The reverse of `joinHalves`: with that form, a verification by Node takes 100 instead of 70 microseconds. */
function separateHalves(signature: Buffer): Buffer {
  const [r, s] = [derInteger(signature.subarray(0, HALF)), derInteger(signature.subarray(HALF))]
  const start = [0x30, r.length + s.length + 4, 0x02, r.length]
  return Buffer.concat([Buffer.from(start), r, Buffer.from([0x02, s.length]), s])
}

export async function signatureOf(alg: SigningAlg, privateKey: KeyObject, data: Buffer): Promise<Buffer> {
  // Elliptic curves sign in place: handing this little work to another thread costs more than it takes.
  if (alg === 'ES256') return joinHalves(signData('sha256', data, privateKey))
  if (alg === 'EdDSA') return signData(null, data, privateKey)
  return await signInThreadPool('sha256', data, alg === 'PS256' ? { key: privateKey, ...PSS } : privateKey)
}

/**
 * Whether a key has signed the data. In place, as a verification takes 25 to 110 microseconds, less than WebCrypto adds.
 * @param alg one that fits the type of the key: this is not checked here
 */
export function isSignatureOf(
  alg: SigningAlg | 'Ed25519',
  publicKey: KeyObject,
  data: Buffer,
  signature: Buffer,
): boolean {
  if (alg === 'ES256') {
    return signature.length === 2 * HALF && verifySignature('sha256', data, publicKey, separateHalves(signature))
  }
  if (alg === 'PS256') return verifySignature('sha256', data, { key: publicKey, ...PSS }, signature)
  return verifySignature(alg === 'RS256' ? 'sha256' : null, data, publicKey, signature)
}
