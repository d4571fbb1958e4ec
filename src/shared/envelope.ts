import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { EncryptionKey, EncryptionKeys } from './encryption-keys.ts'
import { KeywrightError } from './errors.ts'

/** What values are sealed for. None is ever opened as a value of another purpose. */
export type Purpose =
  | 'audit chain key'
  | 'console session'
  | 'console session cookie'
  | 'engine model'
  | 'event position'
  | 'feed cursor'
  | 'idempotent response'
  | 'identity provider ID'
  | 'interrupted form'
  | 'join ticket'
  | 'passkey challenge'
  | 'password ticket'
  | 'refresh response'
  | 'reusable token'
  | 'sign-in answer'
  | 'sign-in challenge'
  | 'sign-in ticket'
  | 'signing key'
  | 'TOTP offer'
  | 'TOTP secret'
  | 'upstream client secret'
  | 'upstream link'
  | 'upstream link question'
  | 'upstream sign-out'
  | 'upstream state'
  | 'webhook secret'

/** What a sealed value belongs to: `context` ties it to its row. */
export interface SealedFor {
  readonly purpose: Purpose
  readonly context?: string
}

const VERSION = 1
const ID_LENGTH = 8
const SALT_LENGTH = 32
const TAG_LENGTH = 16
const HEADER_LENGTH = 1 + ID_LENGTH
const TAG_AT = HEADER_LENGTH + SALT_LENGTH
const CIPHERTEXT_AT = TAG_AT + TAG_LENGTH

/**
 * Each value has an AES key and a nonce of its own, derived from 256 random bits: one key with random nonces may seal
 * 2^32 values only (NIST SP 800-38D, section 8.3).
 */
function deriveKey({ secret }: EncryptionKey, salt: Buffer, purpose: Purpose): { key: Buffer; nonce: Buffer } {
  const derived = Buffer.from(hkdfSync('sha256', secret, salt, `keywright ${purpose}`, 44))
  return { key: derived.subarray(0, 32), nonce: derived.subarray(32) }
}

/** Authenticated with the value: what it begins with, and what it belongs to. */
const associatedData = (header: Buffer, context = ''): Buffer => Buffer.concat([header, Buffer.from(context)])

/**
 * AES-256-GCM under a key derived from the one that seals now. Laid out as format version (1 byte), id of the encryption
 * key (8), salt (32), tag (16), ciphertext.
 */
export function seal(keys: EncryptionKeys, { purpose, context }: SealedFor, plaintext: Buffer): Buffer {
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(keys.sealing.id, 'hex')])
  const salt = randomBytes(SALT_LENGTH)
  const { key, nonce } = deriveKey(keys.sealing, salt, purpose)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associatedData(header, context))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([header, salt, cipher.getAuthTag(), ciphertext])
}

/** SQL for the id of the key that sealed a column's value. */
export const sealedBySql = (column: string): string => `encode(substring(${column} FROM 2 FOR ${ID_LENGTH}), 'hex')`

/** The id of the key that sealed a value; undefined: it has another format. */
export function sealedBy(sealed: Buffer): string | undefined {
  if (sealed[0] !== VERSION || sealed.length < CIPHERTEXT_AT) return undefined
  return sealed.subarray(1, HEADER_LENGTH).toString('hex')
}

/** What to tell an operator whose keys do not open the database. */
export const unknownKey = () =>
  new KeywrightError(
    'misconfigured',
    'ENCRYPTION_KEY holds none of the keys that the database was sealed with; add the earlier key to the list',
  )

/** Whether one of the keys sealed this value. */
export const isSealedByOneOf = (keys: EncryptionKeys, sealed: Buffer): boolean =>
  keys.find(sealedBy(sealed)) !== undefined

/**
 * @throws KeywrightError `misconfigured` when none of the keys sealed this value; Error when it was altered, or belongs to
 * something else
 */
export function unseal(keys: EncryptionKeys, { purpose, context }: SealedFor, sealed: Buffer): Buffer {
  const sealing = keys.find(sealedBy(sealed))
  if (!sealing) throw unknownKey()
  const { key, nonce } = deriveKey(sealing, sealed.subarray(HEADER_LENGTH, TAG_AT), purpose)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_LENGTH })
    .setAAD(associatedData(sealed.subarray(0, HEADER_LENGTH), context))
    .setAuthTag(sealed.subarray(TAG_AT, CIPHERTEXT_AT))
  return Buffer.concat([decipher.update(sealed.subarray(CIPHERTEXT_AT)), decipher.final()])
}
