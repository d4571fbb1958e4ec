import { hkdfSync } from 'node:crypto'
import { createEncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'

/** Only who presents the token again can open the response. */
const keysOf = (token: string) =>
  createEncryptionKeys([Buffer.from(hkdfSync('sha256', token, '', 'keywright refresh response', 32))])

const sealedFor = (grantId: string) => ({ purpose: 'refresh response', context: grantId }) as const

/** What a refresh token was redeemed for, kept for a client that sends the same token again because the response was lost. */
export const sealResponse = (token: string, grantId: string, response: object): Buffer =>
  seal(keysOf(token), sealedFor(grantId), Buffer.from(JSON.stringify(response)))

export const openResponse = <Response>(token: string, grantId: string, sealed: Buffer): Response =>
  JSON.parse(unseal(keysOf(token), sealedFor(grantId), sealed).toString())
