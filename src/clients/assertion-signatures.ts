import { createPublicKey, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isSignatureOf } from '../shared/jws-signatures.ts'
import { algorithmsOf, hasUsualSize } from './client-keys.ts'
import type { ValidKey } from './registration.ts'

/** The header of an assertion (RFC 7515, section 4.1), which is not verified. */
interface AssertionHeader {
  readonly alg?: unknown
  readonly kid?: unknown
  readonly typ?: unknown
}

/** A JWS in compact serialisation, which is not verified. */
export interface SignedAssertion {
  readonly header: AssertionHeader
  /** The claims as they are encoded. */
  readonly payload: string
  /** What the signature covers (RFC 7515, section 5.2). */
  readonly signed: Buffer
  readonly signature: Buffer
}

/** Base64url without padding and line breaks (RFC 7515, section 2). Node's decoder ignores characters that it does not know. */
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/

const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())

/** @throws Error, SyntaxError: the text is no JWS, or has an extension that must be understood (`crit`) */
export function readSignedAssertion(assertion: string): SignedAssertion {
  const [, header, payload, signature] = COMPACT.exec(assertion) ?? []
  if (!header || !payload || signature === undefined) throw new Error('the assertion is no signed JWT in compact form')
  const read = decoded(header)
  if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new Error('the header is no object')
  // RFC 7515, section 4.1.11. An unencoded payload (`b64`) is such an extension, and no JWT has it (RFC 7797, section 7).
  if ('crit' in read) throw new Error('the header has an extension that must be understood (crit)')
  return {
    header: read,
    payload,
    signed: Buffer.from(assertion.slice(0, -signature.length - 1), 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
  }
}

type VerificationKey = Pick<ValidKey, 'jwk' | 'hash'>

/** By thumbprint, which the members of a key decide. */
const imported = new LRUCache<string, KeyObject>({ max: 1000 })

/** @throws Error of `node:crypto`: the key lacks a member, or has a wrong one; a wrong size */
function importedKey({ jwk, hash }: VerificationKey): KeyObject {
  const known = imported.get(hash)
  if (known) return known
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  if (!hasUsualSize(key)) throw new Error('the RSA key is too weak, or too slow')
  imported.set(hash, key)
  return key
}

/** Whether the key has signed the assertion, by an algorithm of the key. @throws as `importedKey` */
export function isSignedBy(key: VerificationKey, { header, signed, signature }: SignedAssertion): boolean {
  const alg = algorithmsOf(key.jwk).find((one) => one === header.alg)
  return alg !== undefined && isSignatureOf(alg, importedKey(key), signed, signature)
}

/** The claims of an assertion. @throws SyntaxError */
export const claimsOf = ({ payload }: SignedAssertion): unknown => decoded(payload)
