import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKey, EncryptionKeys } from '../shared/encryption-keys.ts'
import { sameHash } from '../shared/secrets.ts'
import type { Credentials } from './credentials.ts'

export interface KnownBrowser {
  /** For the browser to keep: as it was shown, or vouched for by the key that seals now. */
  readonly token: string
  /** What its budget hangs on. */
  readonly budget: string
}

/** Tokens by which a browser shows that somebody has signed in in it before. They open nothing. */
export interface KnownBrowsers {
  issue(userId: string): string
  /** Undefined for whatever is not a token of this person. */
  recognise(token: string | undefined, person: Credentials): KnownBrowser | undefined
}

const macKey = ({ secret }: EncryptionKey): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'keywright known browser', 32))

const TOKEN = /^(([0-9a-f-]{36})\.([0-9a-z]{1,11})\.[\w-]{22})\.([\w-]{43})$/

/**
 * A token is the user's id, when it was given (milliseconds since 1970 in base 36), 128 random bits, and an HMAC-SHA-256
 * under a key derived from the encryption key that seals now. One that an earlier key vouches for is renewed at a sign-in.
 */
export function createKnownBrowsers(encryptionKeys: EncryptionKeys, clock: Clock): KnownBrowsers {
  const keys = new Map(encryptionKeys.all.map((key) => [key.id, macKey(key)]))
  const macOf = (key: Buffer, body: string): Buffer => createHmac('sha256', key).update(body).digest()
  const sign = (body: string): string =>
    `${body}.${macOf(keys.get(encryptionKeys.sealing.id)!, body).toString('base64url')}`

  return {
    issue(userId) {
      return sign(`${userId}.${clock.now().toString(36)}.${randomBytes(16).toString('base64url')}`)
    },
    recognise(token, { user, passwordChangedAt }) {
      const [, body, userId, issuedAt, mac] = TOKEN.exec(token ?? '') ?? []
      if (!token || !body || !mac || userId !== user.id) return undefined
      const given = Buffer.from(mac, 'base64url')
      if (![...keys.values()].some((key) => sameHash(macOf(key, body), given))) return undefined
      // Somebody who knew a previous password may have collected many tokens: the tokens of that time share one budget.
      const isFormer = Number.parseInt(issuedAt!, 36) < Number(passwordChangedAt)
      return { token: sign(body), budget: isFormer ? user.id : body }
    },
  }
}
