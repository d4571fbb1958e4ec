import { hkdfSync } from 'node:crypto'
import { createEncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'

/** The encryption key is derived from the refresh token, which the database does not contain. */
const encryptionKeysOf = (token: string) =>
  createEncryptionKeys([Buffer.from(hkdfSync('sha256', token, '', 'keywright refresh response', 32))])

const sealedFor = (grantId: string) => ({ purpose: 'refresh response', context: grantId }) as const

/** Encrypts the response to a redemption, for a retry within the grace period. Only the redeemed refresh token opens it. */
export const sealResponse = (token: string, grantId: string, response: object): Buffer =>
  seal(encryptionKeysOf(token), sealedFor(grantId), Buffer.from(JSON.stringify(response)))

/** Decrypts a stored response. @throws Error for another refresh token or grant */
export const openResponse = <Response>(token: string, grantId: string, sealed: Buffer): Response =>
  JSON.parse(unseal(encryptionKeysOf(token), sealedFor(grantId), sealed).toString())
