import { randomUUID } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import type { Credentials } from './credentials.ts'
import type { SessionAccount } from './memberships.ts'

/** Seconds in which somebody who has proved their password takes the next step. */
const LIFETIME = 15 * 60

/** The identity at a provider with which a session begins, and `revocationEpoch` of the provider: with another number the session is over. */
export interface SessionIdentity {
  readonly id: string
  readonly revocationEpoch: number
  /** `revocation_epoch` of the identity: a sign-out at the provider from all its sessions increases it. */
  readonly identityEpoch?: number
  /** The session at the provider (`upstreamSessionHash`, in base64url); absent: the provider named none. */
  readonly session?: string
  /** With which the user is signed out at the provider; absent: they stay signed in there. It is kept sealed only. */
  readonly idToken?: string
}

/** What somebody else states of a sign-in there: the product of the operator, or an OpenID provider. */
export interface SignInElsewhere {
  /** The authentication context class (OpenID Connect Core, section 2); absent: `amr` decides. */
  readonly acr?: string
  /** When the user proved who they are, in milliseconds since 1970; absent: when the sign-in is finished. */
  readonly authenticatedAt?: number
  /** Absent: the first account of the user, which is not fixed. */
  readonly account?: SessionAccount
  /** Absent: it did not go through an identity provider. */
  readonly identity?: SessionIdentity
}

/** What somebody has proved in a sign-in that has further steps. */
export interface Proved {
  /** RFC 8176. */
  readonly amr: readonly string[]
  /** Absent: the first step was a password or passkey of the user here. */
  readonly elsewhere?: SignInElsewhere
  /** Whether the request requires a second factor, also of a user who need not have one. */
  readonly demandsSecondFactor: boolean
}

/** Whether the methods are several factors (RFC 8176). */
export const isMultiFactor = (amr: readonly string[]): boolean => amr.includes('mfa')

/** A sign-in that waits for its next step. It goes through the pages, sealed. */
export interface SignInTicket extends Proved {
  readonly id: string
  readonly userId: string
  /** The user's `sessionsValidFrom`, in milliseconds: with another value the ticket is over. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export interface SignInTickets {
  issue(person: Credentials, proved: Proved): string
  /** Undefined: it has expired, or was never a ticket. */
  open(ticket: string): SignInTicket | undefined
}

/** Whether a ticket still continues the sign-in of this user: a new password or *Sign out everywhere* ends it. */
export const continues = (ticket: SignInTicket, person: Credentials | undefined): person is Credentials =>
  person?.mayAct === true && person.user.id === ticket.userId && Number(person.user.sessionsValidFrom) === ticket.since

export function createSignInTickets(encryptionKeys: EncryptionKeys, clock: Clock): SignInTickets {
  const tickets = createSealedTickets<SignInTicket>(encryptionKeys, 'sign-in ticket')

  return {
    issue({ user }, { amr, demandsSecondFactor, elsewhere }) {
      const since = Number(user.sessionsValidFrom)
      const expiresAt = clock.now() + LIFETIME * 1000
      const proved = { amr, demandsSecondFactor, ...(elsewhere && { elsewhere }) }
      return tickets.seal({ id: randomUUID(), userId: user.id, since, ...proved, expiresAt })
    },
    open: (ticket) => tickets.open(ticket, clock.now()),
  }
}
