import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { Credentials } from './credentials.ts'
import type { Proved } from './sign-in-tickets.ts'

/** Seconds in which somebody who proved a one-time password chooses one of their own. */
const LIFETIME = 15 * 60

interface Ticket {
  readonly userId: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** Of the hash that is to be replaced: with another one in its place the ticket is used up. */
  readonly fingerprint: string
  readonly proved: Proved
}

/** What a ticket of a node of the previous version, which does not say it, proves. */
const BY_PASSWORD: Proved = { amr: ['pwd'], demandsSecondFactor: false }

const fingerprintOf = (person: Credentials): string => hashSecret(person.passwordHash ?? '').toString('base64url')

/** Lets somebody choose a password who has just proved the present one, once. */
export interface PasswordTickets {
  issue(person: Credentials, proved: Proved): string
  /** Undefined: it has expired, or was never a ticket. */
  open(ticket: string): Ticket | undefined
  isFor(ticket: Ticket, person: Credentials): boolean
}

export function createPasswordTickets(encryptionKeys: EncryptionKeys, clock: Clock): PasswordTickets {
  const tickets = createSealedTickets<Omit<Ticket, 'proved'> & Partial<Ticket>>(encryptionKeys, 'password ticket')

  return {
    issue(person, proved) {
      const expiresAt = clock.now() + LIFETIME * 1000
      return tickets.seal({ userId: person.user.id, expiresAt, fingerprint: fingerprintOf(person), proved })
    },
    open(ticket) {
      const opened = tickets.open(ticket, clock.now())
      return opened && { proved: BY_PASSWORD, ...opened }
    },
    isFor: (ticket, person) => ticket.userId === person.user.id && ticket.fingerprint === fingerprintOf(person),
  }
}
