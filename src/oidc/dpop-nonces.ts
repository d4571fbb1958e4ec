import { hkdfSync } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { type DpopNonces, engineNonces } from './engine-internals.ts'
import type { OidcContext } from './request-state.ts'

/** 32 bytes, the same at each node that holds the encryption key. */
const secretOf = (encryptionKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', encryptionKey, '', 'keywright dpop nonce', 32))

/** The secret of the nonces that are issued now. */
export const nonceSecret = ({ sealing }: EncryptionKeys): Buffer => secretOf(sealing.secret)

/** Nonces of DPoP proofs (RFC 9449, section 8). Those of an earlier encryption key stay valid while the node holds that key. */
export function createDpopNonces(encryptionKeys: EncryptionKeys): DpopNonces {
  const byKey = new Map(encryptionKeys.all.map(({ id, secret }) => [id, engineNonces(secretOf(secret))]))
  return {
    nextChallenge: () => byKey.get(encryptionKeys.sealing.id)!.nextChallenge(),
    checkChallenge: (nonce) => [...byKey.values()].some((nonces) => nonces.checkChallenge(nonce)),
  }
}

/** Whether each proof of the request must have a nonce, as its client requires. */
export const requiresNonce = ({ state }: OidcContext): boolean =>
  (state.tokenHolder ?? state.client?.registration)?.dpop === 'nonce'

function hasNonce(proof: string): boolean {
  try {
    return decodeJwt(proof).nonce !== undefined
  } catch {
    return false
  }
}

/** Whether the response may name a nonce: where one is required, or where the proof has one, which may be of another server. */
export const offersNonce = (ctx: OidcContext): boolean => requiresNonce(ctx) || hasNonce(ctx.get('dpop'))
