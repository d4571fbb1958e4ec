import { randomUUID } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'
import type { Credentials } from './credentials.ts'

/** Seconds in which somebody who has proved their password takes the next step. */
const LIFETIME = 15 * 60

const SEALED_FOR = { purpose: 'sign-in ticket' } as const

/** What somebody has proved in a sign-in that has further steps. */
export interface Proved {
  /** RFC 8176. */
  readonly amr: readonly string[]
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
  function read(ticket: string): SignInTicket | undefined {
    try {
      return JSON.parse(unseal(encryptionKeys, SEALED_FOR, Buffer.from(ticket, 'base64url')).toString())
    } catch {
      // Anything may be sent in its place; what does not open is not ours.
      return undefined
    }
  }

  return {
    issue({ user }, { amr, demandsSecondFactor }) {
      const since = Number(user.sessionsValidFrom)
      const ends = { expiresAt: clock.now() + LIFETIME * 1000 }
      const ticket: SignInTicket = { id: randomUUID(), userId: user.id, since, amr, demandsSecondFactor, ...ends }
      return seal(encryptionKeys, SEALED_FOR, Buffer.from(JSON.stringify(ticket))).toString('base64url')
    },
    open(ticket) {
      const opened = read(ticket)
      return opened && opened.expiresAt > clock.now() ? opened : undefined
    },
  }
}
