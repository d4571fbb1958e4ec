import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'

/** Milliseconds in which somebody signs in with credentials of this instance, and confirms. */
const LINK_LIFETIME = 15 * 60_000

/** An identity that somebody has proved at a provider, and that is linked when they have proved who they are here. */
export interface UpstreamLink {
  readonly providerId: string
  readonly subject: string
  /** What the provider calls the subject; absent: nothing that can be shown. */
  readonly username?: string | undefined
  /** The user who is signed in and connects it; absent: the next who signs in. */
  readonly userId?: string | undefined
  /** The browser in which they proved it. */
  readonly browser: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** A sign-in within an interaction, whose user is asked whether to link an identity. */
export interface LinkQuestion {
  /** The identity, sealed. */
  readonly link: string
  /** The interaction. */
  readonly uid: string
  readonly userId: string
  /** The user's `sessionsValidFrom`, in milliseconds: with another value the sign-in is over. */
  readonly since: number
  /** RFC 8176. */
  readonly amr: readonly string[]
  /** When the user proved who they are, in milliseconds since 1970. */
  readonly provedAt: number
  /** The browser in which they proved it. */
  readonly browser: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Links go through the pages, sealed, so that nothing is stored for people who are not known. @param clock the database's */
export function createUpstreamLinks(encryptionKeys: EncryptionKeys, clock: Clock) {
  const links = createSealedTickets<UpstreamLink>(encryptionKeys, 'upstream link')
  const questions = createSealedTickets<LinkQuestion>(encryptionKeys, 'upstream link question')
  const expiresAt = () => clock.now() + LINK_LIFETIME
  return {
    issue: (link: Omit<UpstreamLink, 'expiresAt'>): string => links.seal({ ...link, expiresAt: expiresAt() }),

    /** Undefined: it has expired, or belongs to another browser. */
    open(sealed: string, browser: string): UpstreamLink | undefined {
      const link = links.open(sealed, clock.now())
      return link?.browser === browser ? link : undefined
    },

    issueQuestion: (question: Omit<LinkQuestion, 'expiresAt' | 'provedAt'>): string =>
      questions.seal({ ...question, provedAt: clock.now(), expiresAt: expiresAt() }),

    /** Undefined: it has expired, or belongs to another browser or interaction. */
    openQuestion(sealed: string, { browser, uid }: Pick<LinkQuestion, 'browser' | 'uid'>): LinkQuestion | undefined {
      const question = questions.open(sealed, clock.now())
      return question?.browser === browser && question.uid === uid ? question : undefined
    },
  }
}

export type UpstreamLinks = ReturnType<typeof createUpstreamLinks>
