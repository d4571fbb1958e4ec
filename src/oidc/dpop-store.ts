import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createDpopNonces } from './dpop-nonces.ts'
import { recordProofUse } from './engine-rows.ts'

/** The nonces and the uses of DPoP proofs of the OAuth endpoints, for the other interfaces that accept proofs. */
export function createDpopStore(knex: Knex, encryptionKeys: EncryptionKeys) {
  const nonces = createDpopNonces(encryptionKeys)
  return {
    nextNonce: () => nonces.nextChallenge(),
    isNonce: (nonce: string) => nonces.checkChallenge(nonce),
    recordUse: (clientId: string, jti: string, expiresAt: number) => recordProofUse(knex, clientId, jti, expiresAt),
  }
}
