import type { EncryptionKeys } from './encryption-keys.ts'
import { type Purpose, seal, unseal } from './envelope.ts'

/** Values that go through pages and come back. The browser can neither read nor change them. */
export interface SealedTickets<T> {
  /** In base64url. */
  seal(value: T): string
  /** Undefined: it has expired, or was never sealed here for this purpose. */
  open(sealed: string, now: number): T | undefined
}

/** Tickets that hold JSON and end at `expiresAt`, in milliseconds since 1970. */
export function createSealedTickets<T extends { readonly expiresAt: number }>(
  keys: EncryptionKeys,
  purpose: Purpose,
): SealedTickets<T> {
  function read(sealed: string): T | undefined {
    try {
      return JSON.parse(unseal(keys, { purpose }, Buffer.from(sealed, 'base64url')).toString())
    } catch {
      // Anything may be sent in its place; what does not open is not ours.
      return undefined
    }
  }

  return {
    seal: (value) => seal(keys, { purpose }, Buffer.from(JSON.stringify(value))).toString('base64url'),
    open(sealed, now) {
      const value = read(sealed)
      return value && value.expiresAt > now ? value : undefined
    },
  }
}
