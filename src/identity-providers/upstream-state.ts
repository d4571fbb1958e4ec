import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'

/** Milliseconds in which somebody signs in at the provider. */
const STATE_LIFETIME = 15 * 60_000

/** Where a sign-in leads that goes through a provider. */
export interface UpstreamTarget {
  /** The interaction of an application's request; absent: a sign-in without an application. */
  readonly uid?: string
  /** A path of this site, for a sign-in without an application. */
  readonly returnTo: string
  /** A form that waits for the sign-in, sealed. */
  readonly interrupted?: string
  /** The user who is signed in and proves that it is still they. */
  readonly confirms?: string
  /** The user who is signed in and connects an identity. Nobody signs in by it. */
  readonly connects?: string
  /** Whether the application requires a second factor. */
  readonly demandsSecondFactor: boolean
  /** Seconds since the user authenticated at the provider; 0: the user authenticates now. Absent: as for any session. */
  readonly maxAge?: number
}

/** A sign-in that is under way at a provider. */
export interface UpstreamState {
  readonly id: string
  readonly providerId: string
  /** OpenID Connect Core, section 3.1.2.1. */
  readonly nonce: string
  /** RFC 7636. */
  readonly verifier: string
  /** The browser that began it. */
  readonly browser: string
  readonly target: UpstreamTarget
  /** Milliseconds since 1970. */
  readonly begunAt: number
  readonly expiresAt: number
}

const random = () => randomBytes(32).toString('base64url')

/** Characters: longer ones are cut off by servers on the way. */
const LONGEST_KEPT = 1500

/** A form that would make the URL too long is typed again. */
const shortened = ({ interrupted, ...target }: UpstreamTarget): UpstreamTarget =>
  interrupted && interrupted.length + target.returnTo.length < LONGEST_KEPT ? { ...target, interrupted } : target

/**
 * The parameter `state`: sealed, so that any node reads what the sign-in needs, and that a sign-in that begins stores nothing.
 * @param clock the database's
 */
export function createUpstreamStates(encryptionKeys: EncryptionKeys, clock: Clock) {
  const states = createSealedTickets<UpstreamState>(encryptionKeys, 'upstream state')

  return {
    issue(providerId: string, browser: string, target: UpstreamTarget) {
      const begunAt = clock.now()
      const state = {
        id: randomUUID(),
        providerId,
        nonce: random(),
        verifier: random(),
        browser,
        target: shortened(target),
        begunAt,
        expiresAt: begunAt + STATE_LIFETIME,
      }
      return { ...state, sealed: states.seal(state) }
    },

    /** Undefined: it has expired, was not issued here, or was given to another browser or for another provider. */
    open(sealed: string, { providerId, browser }: { providerId: string; browser: string }): UpstreamState | undefined {
      const state = states.open(sealed, clock.now())
      return state?.providerId === providerId && state.browser === browser ? state : undefined
    },
  }
}
