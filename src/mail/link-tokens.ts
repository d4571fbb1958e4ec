import { createHmac, hkdfSync } from 'node:crypto'
import type { EncryptionKey, EncryptionKeys } from '../shared/encryption-keys.ts'
import { sameHash } from '../shared/secrets.ts'

/** The tokens of links in messages. */
export interface LinkTokens {
  /** The same token each time, so that a message that is sent again has the same link. */
  tokenOf(linkId: string): string
  /** The id of the link; undefined: not a token of this instance. */
  linkIdOf(token: string): string | undefined
}

const macKey = ({ secret }: EncryptionKey): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'keywright mail link', 32))

const TOKEN = /^kwl_([0-9a-f]{32})([0-9a-f]{64})$/

const toId = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/**
 * A token is the id of its link and an HMAC-SHA-256 of it, in hexadecimal. Who can read the database, but has no `ENCRYPTION_KEY`,
 * cannot compute it.
 */
export function createLinkTokens(encryptionKeys: EncryptionKeys): LinkTokens {
  const macOf = (key: EncryptionKey, id: string): Buffer => createHmac('sha256', macKey(key)).update(id).digest()
  return {
    tokenOf(linkId) {
      const id = linkId.replaceAll('-', '').toLowerCase()
      return `kwl_${id}${macOf(encryptionKeys.sealing, id).toString('hex')}`
    },
    linkIdOf(token) {
      const [, id, mac] = TOKEN.exec(token) ?? []
      if (!id || !mac) return undefined
      const given = Buffer.from(mac, 'hex')
      return encryptionKeys.all.some((key) => sameHash(macOf(key, id), given)) ? toId(id) : undefined
    },
  }
}
