import { randomBytes } from 'node:crypto'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'

/** As a node reads `ENCRYPTION_KEY`. */
export const keysOf = (list: string) => createEncryptionKeys(list.split(',').map((key) => Buffer.from(key, 'base64')))

export const newEncryptionKey = () => randomBytes(32).toString('base64')
