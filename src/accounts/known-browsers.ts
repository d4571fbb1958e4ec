import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { sameHash } from '../shared/secrets.ts'
import type { Credentials } from './credentials.ts'

export interface KnownBrowser {
  /** As it was shown. */
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

const macKey = (encryptionKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', encryptionKey, '', 'keywright known browser', 32))

const TOKEN = /^(([0-9a-f-]{36})\.([0-9a-z]{1,11})\.[\w-]{22})\.([\w-]{43})$/

/**
 * A token is the user's id, when it was given (milliseconds since 1970 in base 36), 128 random bits, and an HMAC-SHA-256
 * under a key derived from the instance's newest encryption key.
 */
export function createKnownBrowsers(encryptionKeys: readonly Buffer[]): KnownBrowsers {
  const keys = encryptionKeys.map(macKey)
  const macOf = (key: Buffer, body: string): Buffer => createHmac('sha256', key).update(body).digest()

  return {
    issue(userId) {
      const body = `${userId}.${Date.now().toString(36)}.${randomBytes(16).toString('base64url')}`
      return `${body}.${macOf(keys[0]!, body).toString('base64url')}`
    },
    recognise(token, { user, passwordChangedAt }) {
      const [, body, userId, issuedAt, mac] = TOKEN.exec(token ?? '') ?? []
      if (!token || !body || !mac || userId !== user.id) return undefined
      const given = Buffer.from(mac, 'base64url')
      if (!keys.some((key) => sameHash(macOf(key, body), given))) return undefined
      // Whoever knew a former password could gather any number of tokens; all of that time share one budget.
      const isFormer = Number.parseInt(issuedAt!, 36) < Number(passwordChangedAt)
      return { token, budget: isFormer ? user.id : body }
    },
  }
}
