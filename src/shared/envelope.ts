import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { KeywrightError } from './errors.ts'

const KEY_ID_LENGTH = 4
const NONCE_LENGTH = 12
const TAG_LENGTH = 16

const keyId = (key: Buffer): Buffer => createHash('sha256').update(key).digest().subarray(0, KEY_ID_LENGTH)

/**
 * AES-256-GCM under the newest key. Laid out as key id (4 bytes), nonce (12), tag (16), ciphertext; `label` is
 * authenticated with it, so that a sealed value cannot be moved to another row.
 */
export function seal(keys: readonly Buffer[], plaintext: Buffer, label: string): Buffer {
  const nonce = randomBytes(NONCE_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', keys[0]!, nonce).setAAD(Buffer.from(label))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([keyId(keys[0]!), nonce, cipher.getAuthTag(), ciphertext])
}

/** What to tell an operator whose keys do not open the database. */
export const unknownKey = () =>
  new KeywrightError(
    'misconfigured',
    'ENCRYPTION_KEY holds none of the keys that the database was sealed with; add the earlier key to the list',
  )

const keyOf = (keys: readonly Buffer[], sealed: Buffer): Buffer | undefined =>
  keys.find((candidate) => keyId(candidate).equals(sealed.subarray(0, KEY_ID_LENGTH)))

/** Whether one of the keys sealed this value. */
export const isSealedByOneOf = (keys: readonly Buffer[], sealed: Buffer): boolean => keyOf(keys, sealed) !== undefined

/** @throws KeywrightError `misconfigured` when none of the keys sealed this value */
export function unseal(keys: readonly Buffer[], sealed: Buffer, label: string): Buffer {
  const key = keyOf(keys, sealed)
  if (!key) {
    throw unknownKey()
  }
  const body = sealed.subarray(KEY_ID_LENGTH)
  const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH })
    .setAAD(Buffer.from(label))
    .setAuthTag(body.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH))
  return Buffer.concat([decipher.update(body.subarray(NONCE_LENGTH + TAG_LENGTH)), decipher.final()])
}
