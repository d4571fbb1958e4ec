import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'

/** Milliseconds in which somebody signs in with credentials of this instance, and confirms. */
const LINK_LIFETIME = 15 * 60_000

/** An identity that somebody has proved at a provider, and that is linked when they have proved who they are here. */
export interface UpstreamLink {
  readonly providerId: string
  readonly subject: string
  /** The browser in which they proved it. */
  readonly browser: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Links go through the pages, sealed, so that nothing is stored for people who are not known. @param clock the database's */
export function createUpstreamLinks(encryptionKeys: EncryptionKeys, clock: Clock) {
  const links = createSealedTickets<UpstreamLink>(encryptionKeys, 'upstream link')
  return {
    issue: (link: Omit<UpstreamLink, 'expiresAt'>): string =>
      links.seal({ ...link, expiresAt: clock.now() + LINK_LIFETIME }),

    /** Undefined: it has expired, or belongs to another browser. */
    open(sealed: string, browser: string): UpstreamLink | undefined {
      const link = links.open(sealed, clock.now())
      return link?.browser === browser ? link : undefined
    },
  }
}
